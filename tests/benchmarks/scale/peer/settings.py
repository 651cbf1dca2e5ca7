"""A django-tenants project as its documentation lays it out, at its quickest.

Its connection is the server's superuser's, which skips every permission check: what costs our side something.
"""

from __future__ import annotations

import os

from tests.benchmarks.scale.peer.connection import plain

SECRET_KEY = "a benchmark's"  # nothing is signed with it
ALLOWED_HOSTS = ["*"]
USE_TZ = True

# The list of its documentation (Installation, "Configure Tenant and Shared Applications"), and our records as the one
# tenant app: a tenant's schema holds their tables and `django_migrations`, no other.
SHARED_APPS = [
    "django_tenants",
    "tests.benchmarks.scale.peer",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.admin",
]
TENANT_APPS = ["tenants.records"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL, TENANT_DOMAIN_MODEL = "peer.Client", "peer.Domain"
MIGRATION_MODULES = {"peer": None, "records": "tests.benchmarks.scale.migrations"}

DATABASES = {"default": plain("django_tenants.postgresql_backend")}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware"]
ROOT_URLCONF = "tests.benchmarks.scale.peer.urls"

# Nothing that the admin's pages would need: no page of theirs is asked for, and no middleware of theirs is measured.
SILENCED_SYSTEM_CHECKS = ["admin.E403", "admin.E408", "admin.E409", "admin.E410"]

TENANT_LIMIT_SET_CALLS = True  # its quickest: the search path is set once a request, not before each query
TENANT_MULTIPROCESSING_MAX_PROCESSES = os.cpu_count() or 2
