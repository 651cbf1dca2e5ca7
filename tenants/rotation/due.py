"""Whose keys are to be rotated now: the registry says by age, the compartments' own counts by use."""

from __future__ import annotations

import logging
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import Error, connections, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Now
from psycopg import sql

from tenants.registry.models import Tenant
from tenants.rotation import schedule

logger: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 100  # tenants that one statement asks
_COUNTED: Final = """
SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'key_uses' AND n.nspname ~ '^t_[0-9a-f]{16}$' ORDER BY 1"""
# Of the newest version alone: what the others count no longer grows.
_USES: Final = "(SELECT {name} AS schema, uses FROM {table} ORDER BY version DESC LIMIT 1)"


def _with_keys() -> QuerySet[Any]:
    """Return the tenants that have a key, with `newest`, when its newest version was made, and `live`, how many."""
    rows = Tenant.objects.annotate(newest=Max("keys__created_at"), live=Count("keys", filter=Q(keys__retired_at=None)))
    return rows.filter(live__gt=0)


def aged() -> list[UUID]:
    """Return the tenants whose newest version is older than it may get, the oldest first."""
    rows = _with_keys().filter(newest__lte=Now() - schedule.key_age()).order_by("newest")
    return list(rows.values_list("id", flat=True))


def unfinished() -> list[UUID]:
    """Return the tenants with a version that is to be retired, first those in which that may be possible now."""
    rows = _with_keys().filter(live__gt=1).order_by("newest")
    return list(rows.values_list("id", flat=True))


def worn() -> list[UUID]:
    """Return the tenants whose newest version has wrapped as many item keys as it may."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_COUNTED)
        schemas = [name for (name,) in cursor.fetchall()]
    portions = (schemas[start : start + _AT_ONCE] for start in range(0, len(schemas), _AT_ONCE))
    found = [name for portion in portions for name, uses in _uses(portion) if uses >= settings.KEY_MAX_USES]
    return list(Tenant.objects.filter(schema__in=found).values_list("id", flat=True))


def _uses(schemas: list[str]) -> list[tuple[str, int]]:
    """Ask as the schemas' owner; nothing is answered if one of them was dropped meanwhile, until the next time."""
    one = sql.SQL(_USES)
    parts = [one.format(name=sql.Literal(name), table=sql.Identifier(name, "key_uses")) for name in schemas]
    try:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("SET LOCAL ROLE bulkhead_provisioner")
            cursor.execute(sql.SQL(" UNION ALL ").join(parts).as_string(cursor.connection))
            rows: list[tuple[str, int]] = cursor.fetchall()
    except Error:
        logger.warning("the uses of keys could not be read of some tenants")
        return []
    return rows
