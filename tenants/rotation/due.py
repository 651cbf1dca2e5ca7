"""Whose keys are to be rotated now: the registry says by age, the compartments' own counts by use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Now
from psycopg import sql

from tenants.provisioning.acting import as_provisioner
from tenants.provisioning.portions import portions
from tenants.provisioning.shape import PATIENCE
from tenants.registry.models import Tenant
from tenants.rotation import schedule
from tenants.rotation.turns import Turns

logger: Final = logging.getLogger(__name__)

_unread: Final[Turns[str]] = Turns()

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
    """Return the tenants whose newest version has wrapped as many item keys as it may.

    A count that can't be read, which any session of its tenant's role can bring about, hides no other and is asked for
    again later; the tenant's key still comes of age.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(_COUNTED)
        schemas = _unread.order([name for (name,) in cursor.fetchall()], str)
    found: list[str] = []
    for portion in portions(_uses, schemas, size=_AT_ONCE):
        found += [name for name, uses in portion.found.items() if uses >= settings.KEY_MAX_USES]
        for name, why in portion.unread.items():
            _unread.begin(name)
            logger.error("the uses of the key of %s could not be read: %s", name, why)
    return list(Tenant.objects.filter(schema__in=found).values_list("id", flat=True))


def _uses(schemas: Sequence[str]) -> dict[str, int]:
    """Ask as the schemas' owner."""
    one = sql.SQL(_USES)
    parts = [one.format(name=sql.Literal(name), table=sql.Identifier(name, "key_uses")) for name in schemas]
    with transaction.atomic(), as_provisioner("default") as cursor:
        cursor.execute(PATIENCE)
        cursor.execute(sql.SQL(" UNION ALL ").join(parts).as_string(cursor.connection))
        return dict(cursor.fetchall())
