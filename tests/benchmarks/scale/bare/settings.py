"""The portal's settings without its connections, its router and its middleware.

The search path is set as the connection opens, to one tenant's schema and the registry.
"""

from portal.settings import *  # noqa: F403 - what both sides share
from tenants.databases import CompartmentDatabases
from tests.benchmarks.scale.peer.connection import plain

DATABASES = CompartmentDatabases({"default": plain()})
DATABASE_ROUTERS = []
MIDDLEWARE = []
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.benchmarks.scale.bare.urls"
