"""The portal's settings, without middleware, whose records know the migrations that a benchmark adds."""

from portal.settings import *  # noqa: F403 - the settings under measurement
from portal.settings import MIGRATION_MODULES as _PORTALS

MIGRATION_MODULES = {**_PORTALS, "records": "tests.benchmarks.scale.migrations"}
MIDDLEWARE = []
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.benchmarks.scale.urls"
