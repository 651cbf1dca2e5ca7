"""The registry: each of its tables is tried, whichever there are."""

from __future__ import annotations

from django.apps import apps

from tenants.isolation.attempt import UNSEEN, Attempt, refused


def attempts() -> list[Attempt]:
    tables = [model._meta.db_table for model in apps.get_app_config("registry").get_models()]
    reads = [
        (f"read.{table}", f"Read the registry's table {table}", f"SELECT FROM registry.{table}")
        for table in sorted([*tables, "django_migrations"])
    ]
    writes = [
        ("admit", "Make oneself a member of another tenant", "INSERT INTO registry.memberships SELECT WHERE false"),
        ("rename", "Change another tenant's row", "UPDATE registry.tenants SET name = '' WHERE false"),
        ("keys", "Delete another tenant's keys", "DELETE FROM registry.tenant_keys WHERE false"),
        ("empty", "End everybody's session", "TRUNCATE registry.sessions"),
        ("create", "Create a table in the registry", "CREATE TABLE registry.isolation_proof ()"),
    ]
    path = Attempt(
        "registry.path",
        "registry",
        "Find the registry by way of the search path",
        "SET LOCAL search_path = registry; SELECT FROM people",
        walls=UNSEEN,
    )
    return [*refused("registry", [*reads, *writes]), path]
