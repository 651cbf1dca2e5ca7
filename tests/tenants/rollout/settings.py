"""The portal's settings with migrations that are not written yet: TEST_NEXT_MIGRATIONS names a package of `next`."""

import os

from portal.settings import *  # noqa: F403 - the settings under test, whole
from portal.settings import MIGRATION_MODULES

MIGRATION_MODULES = {**MIGRATION_MODULES, "records": os.environ["TEST_NEXT_MIGRATIONS"]}
