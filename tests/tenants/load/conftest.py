"""What the tests of connections ask for, these ask for as well."""

from tests.tenants.databases.conftest import backends

__all__ = ["backends"]
