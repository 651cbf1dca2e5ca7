"""Tenants' schemas: that each has one of its version and its shape, and that there is none beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from psycopg import sql

from tenants.drift import declared
from tenants.drift.findings import BEHIND, Finding, Hand
from tenants.drift.reading import NAME_FORM, Known, rows
from tenants.provisioning import shape
from tenants.provisioning.line import Line
from tenants.provisioning.portions import Portion, portions
from tenants.provisioning.provision import compartment, schema_script
from tenants.provisioning.render import rehearse
from tenants.provisioning.shape import Shape

DIGESTS: Final = 250  # schemas in one statement
SHAPES: Final = 50  # of which every line is fetched: some hundreds each

_ORPHANS: Final = """
SELECT 'schema', nspname::text FROM pg_namespace WHERE nspname ~ %(form)s AND NOT nspname = ANY(%(names)s)
UNION ALL SELECT 'role', rolname::text FROM pg_roles WHERE rolname ~ %(form)s AND NOT rolname = ANY(%(names)s)
ORDER BY 2, 1"""
_KINDS: Final = {"table": "TABLE", "view": "TABLE", "sequence": "SEQUENCE", "function": "FUNCTION", "type": "TYPE"}
_GRANTED: Final = "granted to "
_LOST: Final = "Restore the tenant from a backup; nothing here makes it again."
_HELD: Final = (
    "End the session of its role that holds it (`manage.py rotate_database_passwords --tenant`), and compare again."
)
_MIGRATE: Final = "Run `manage.py migrate_tenants`."
_BY_HAND: Final = "Find out who changed it, and change it back as bulkhead_provisioner."


def compare(using: str, tenants: Mapping[str, Known], *, whole: bool) -> Iterator[Finding]:
    """Compare the schemas of `tenants`; when these are all (`whole`), look for others too."""
    line = Line()
    if whole:
        for what, name in rows(using, _ORPHANS, {"form": NAME_FORM, "names": list(tenants)}):
            advice = "No tenant has this name. Look what is in it, then drop it."
            yield Finding(f"{what} {name}", "tenant", "", "none", Hand.PERSON, advice)
    yield from _versions(tenants, line, whole=whole)
    yield from _shapes(using, {name: tenant for name, tenant in tenants.items() if tenant.version in line.names}, line)


def _versions(tenants: Mapping[str, Known], line: Line, *, whole: bool) -> Iterator[Finding]:
    """Those behind are one finding, and nothing for their logs: a release that they have still to follow."""
    behind: list[Known] = []
    for tenant in tenants.values():
        known = tenant.version in line.names
        if known and not tenant.failure:
            behind += [tenant] if tenant.version != line.leaf else []
            continue
        advice = _MIGRATE if known else "Run the code that this version is of."
        live = f"{tenant.version} ({tenant.failure})" if tenant.failure else tenant.version
        yield Finding(tenant.subject, "schema version", line.leaf, live, Hand.PERSON, advice, tenant.id)
    if behind:
        subject = BEHIND if whole else behind[0].subject
        live = f"tenants behind: {len(behind)}" if whole else behind[0].version
        yield Finding(subject, "schema version", line.leaf, live, Hand.PERSON, _MIGRATE)


def _shapes(using: str, tenants: Mapping[str, Known], line: Line) -> Iterator[Finding]:
    versions = {tenant.version for tenant in tenants.values()}
    expected = {version: declared_shape(using, line, version) for version in sorted(versions)}
    differing: list[str] = []
    for digests in portions(partial(shape.digests, using=using), list(tenants), size=DIGESTS):
        yield from _unread(tenants, digests)
        for tenant in (tenants[name] for name in digests.missing):
            yield Finding(tenant.subject, "schema", tenant.name, "", Hand.PERSON, _LOST, tenant.id)
        differing += [name for name, digest in digests.found.items() if digest != expected[tenants[name].version][0]]
    for full in portions(partial(shape.live_shapes, using=using), sorted(differing), size=SHAPES):
        yield from _unread(tenants, full)
        for name, found in sorted(full.found.items()):
            yield from _differences(tenants[name], expected[tenants[name].version][1], found)


def _unread(tenants: Mapping[str, Known], portion: Portion[Any]) -> Iterator[Finding]:
    for name, why in portion.unread.items():
        tenant, live = tenants[name], f"could not be read: {why}"
        yield Finding(tenant.subject, "shape", "as its version's", live, Hand.PERSON, _HELD, tenant.id)


def declared_shape(using: str, line: Line, version: str) -> tuple[str, Shape]:
    """Return digest and shape of a schema at `version`: one is made, looked at and rolled back."""
    script, newest = schema_script()
    if version != newest:
        steps = rehearse(line, using=using)[: line.names.index(version) + 1]
        script = "\n".join(statement for step in steps for statement in step.statements)
    name = shape.scratch_name()
    made = sql.SQL("SET LOCAL ROLE bulkhead_provisioner;{}").format(compartment(name, script, "unused"))
    return shape.declared(made, name, using=using)


def _differences(tenant: Known, expected: Shape, found: Shape) -> Iterator[Finding]:
    for of, what, wanted, live in shape.changes(expected, found):
        columns = {column: value for (column, each), value in expected.items() if each == what}
        hand, remedy = _remedy(tenant.name, of, what, columns) if what else (Hand.PERSON, _BY_HAND)
        shown = f"{of}: {what}" if what else of
        yield Finding(tenant.subject, shown, wanted, live, hand, remedy, tenant.id)


def _remedy(schema: str, of: str, what: str, alike: Mapping[str, str]) -> tuple[Hand, str]:
    """Return whose it is to put a property back, and how; `alike` is what is declared of the same one, by object."""
    if what.startswith(_GRANTED):
        return Hand.PROVISIONER, _grant(schema, of, what.removeprefix(_GRANTED), alike)
    if what == "owner":
        owned = sql.SQL("ALTER {} OWNER TO {}").format(_named(schema, of), sql.Identifier(declared.PROVISIONER))
        return Hand.ADMINISTRATOR, owned.as_string()
    return Hand.PERSON, _BY_HAND


def _grant(schema: str, of: str, grantee: str, declared_for: Mapping[str, str]) -> str:
    """Return the SQL that leaves `grantee` with what is declared in an object, and nothing besides."""
    to = sql.SQL("PUBLIC") if grantee == "PUBLIC" else sql.Identifier(grantee.format(tenant=schema))
    on, column = _place(schema, of)
    statements = [sql.SQL("REVOKE ALL{} ON {} FROM {} CASCADE").format(column, on, to)]
    # What is revoked in a table is revoked in its columns too.
    columns = f"column {of.partition(' ')[2]}."
    for place, privileges in declared_for.items():
        if place == of or place.startswith(columns):
            on, column = _place(schema, place)
            each = sql.SQL(", ").join(sql.SQL(privilege) + column for privilege in privileges.split(", "))
            statements.append(sql.SQL("GRANT {} ON {} TO {}").format(each, on, to))
    return sql.SQL("; ").join(statements).as_string()


def _place(schema: str, of: str) -> tuple[sql.Composed, sql.Composable]:
    """Return what GRANT names an object by, and for a column what stands behind the privilege."""
    kind, _, name = of.partition(" ")
    if kind != "column":
        return _named(schema, of), sql.SQL("")
    table, _, column = name.partition(".")
    return _named(schema, f"table {table}"), sql.SQL(" ({})").format(sql.Identifier(column))


def _named(schema: str, of: str) -> sql.Composed:
    """Return how SQL calls an object of a shape."""
    kind, _, name = of.partition(" ")
    if kind == "schema":
        return sql.SQL("SCHEMA {}").format(sql.Identifier(schema))
    bare, bracket, arguments = name.partition("(")
    called = sql.Identifier(schema, bare) + sql.SQL(bracket + arguments)
    return sql.SQL("{} {}").format(sql.SQL(_KINDS.get(kind, kind.upper())), called)
