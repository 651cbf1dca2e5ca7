"""The shape of a tenant's schema: all that catalogs say about it, as lines to compare across tenants and versions.

A line is (object, property, value), say (`table audit column at`, `type`, `timestamp with time zone NOT NULL`). The
schema's own name, which is also its role's, stands as `{tenant}` in them; object ids, positions that dropped columns
left behind and statistics are left out. One statement gives a digest for each of thousands of schemas, computed by the
server; lines are fetched for those alone that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

from django.db import connections, transaction
from psycopg import sql

from tenants.provisioning.catalog import LINES

Shape = Mapping[tuple[str, str], str]

TOGETHER: Final = 250  # schemas in one statement of digests

_DIGESTS: Final = f"""
{LINES}
SELECT schema, encode(sha256(convert_to(
    string_agg(concat_ws(E'\\t', object, property, value), E'\\n'
    ORDER BY object COLLATE "C", property COLLATE "C", value COLLATE "C"), 'UTF8')), 'hex')
FROM lines GROUP BY schema"""  # noqa: S608 - constants of ours
_SHAPES: Final = f"{LINES} SELECT schema, object, property, value FROM lines ORDER BY object, property, value"  # noqa: S608 - constants of ours


def digests(schemas: Iterable[str], *, using: str) -> dict[str, str]:
    """Return a SHA-256 of each schema's shape, in hexadecimal; a schema that does not exist is left out.

    It is read over connections of its own: a server's process keeps all that it has looked up, 0.3 MB a schema.
    """
    wanted, found = list(schemas), {}
    for first in range(0, len(wanted), TOGETHER):
        fresh = connections[using].copy()
        try:
            fresh.set_autocommit(False)
            with fresh.cursor() as cursor:
                cursor.execute("SET LOCAL search_path = pg_catalog")
                cursor.execute(_DIGESTS, {"schemas": wanted[first : first + TOGETHER]})
                found.update(cursor.fetchall())
            fresh.rollback()
        finally:
            fresh.close()
    return found


def shapes(schemas: Iterable[str], *, using: str) -> Mapping[str, Shape]:
    """Return each schema's shape in full."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for schema, of, what, value in _read(_SHAPES, schemas, using):
        found.setdefault(schema, {})[of, what] = value
    return found


def _read(query: str, schemas: Iterable[str], using: str) -> list[tuple[Any, ...]]:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        # Names that are visible lose their schema in pg_get_indexdef and its kin: nothing but the catalogs may be.
        cursor.execute("SELECT current_setting('search_path'), set_config('search_path', 'pg_catalog', true)")
        (path, _) = cursor.fetchone() or ("", "")
        cursor.execute(query, {"schemas": list(schemas)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.execute("SELECT set_config('search_path', %s, true)", [path])
    return rows


def declared(statements: sql.Composable, schema: str, *, using: str) -> tuple[str, Shape]:
    """Return digest and shape of the schema that `statements` make; nothing of it stays."""
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(statements.as_string(cursor.connection))
        digest, shape = dict(_read(_DIGESTS, [schema], using))[schema], shapes([schema], using=using)[schema]
        transaction.set_rollback(True, using=using)
    return digest, shape


def scratch_name() -> str:
    """Return a name for a schema that only lives until its transaction is rolled back."""
    return f"t_{uuid4().hex[:16]}"


def difference(one: Shape, other: Shape) -> list[tuple[str, str, str, str]]:
    """Return (object, property, value in `one`, value in `other`) for each line that is not the same in both."""
    keys = sorted(one.keys() | other.keys())
    return [(*key, one.get(key, ""), other.get(key, "")) for key in keys if one.get(key) != other.get(key)]
