"""The portal's settings, with the other processes' database roles at hand."""

from portal import environment
from portal.settings import *  # noqa: F403 - the settings under test, whole
from portal.settings import DATABASES
from tenants.databases import database

for _role in ("owner", "provisioner", "worker"):
    DATABASES[_role] = database(environment.database(f"TEST_DATABASE_URL_{_role.upper()}"))
