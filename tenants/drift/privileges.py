"""Who may do what outside the tenants' schemas: registry, databases, catalogs, and what new objects start with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from tenants.drift import declared
from tenants.drift.findings import Finding, Hand
from tenants.drift.reading import rows
from tenants.registry.grants import GRANTS

_GRANTEE: Final = "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END"
# The owner's own privileges are left out: whoever owns gives them back to itself.
_OBJECTS: Final = f"""
SELECT kind, name, owner, CASE WHEN grantee IS NOT NULL THEN {_GRANTEE} END, privilege_type FROM (
    SELECT 'SCHEMA' AS kind, nspname AS name, nspowner::regrole::text AS owner, nspowner AS owner_id,
        coalesce(nspacl, acldefault('n', nspowner)) AS acl
    FROM pg_namespace WHERE nspname IN ('public', 'registry')
    UNION ALL SELECT 'DATABASE', datname, datdba::regrole::text, datdba, coalesce(datacl, acldefault('d', datdba))
    FROM pg_database WHERE datname IN (current_database(), 'postgres', 'template1')
) AS objects LEFT JOIN LATERAL aclexplode(acl) AS entry ON grantee <> owner_id"""  # noqa: S608 - constants of ours
_REGISTRY: Final = f"""
SELECT 'TABLE', relname, NULL, {_GRANTEE}, privilege_type FROM pg_class, LATERAL aclexplode(relacl)
WHERE relnamespace = 'registry'::regnamespace AND grantee <> relowner
UNION ALL SELECT 'TABLE', relname, attname, {_GRANTEE}, privilege_type
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, LATERAL aclexplode(attacl)
WHERE relnamespace = 'registry'::regnamespace AND grantee <> relowner
UNION ALL SELECT 'FUNCTION', proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')', NULL,
    {_GRANTEE}, privilege_type
FROM pg_proc, LATERAL aclexplode(coalesce(proacl, acldefault('f', proowner)))
WHERE pronamespace = 'registry'::regnamespace AND grantee <> proowner"""  # noqa: S608 - constants of ours
_TABLES: Final = """
SELECT relname, pg_get_userbyid(relowner)::text FROM pg_class
WHERE relnamespace = 'registry'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"""
_DEFAULTS: Final = f"""
SELECT pg_get_userbyid(defaclrole)::text, coalesce(nspname, ''), defaclobjtype::text, {_GRANTEE}, privilege_type
FROM pg_default_acl LEFT JOIN pg_namespace ON pg_namespace.oid = defaclnamespace, LATERAL aclexplode(defaclacl)
UNION ALL  -- what holds where there is no such row
SELECT role, '', kind, {_GRANTEE}, privilege_type
FROM unnest(%(roles)s::text[], %(kinds)s::text[]) AS ours (role, kind),
    LATERAL aclexplode(acldefault(kind::"char", role::regrole))
WHERE NOT EXISTS (SELECT FROM pg_default_acl WHERE defaclrole = role::regrole AND defaclnamespace = 0
    AND defaclobjtype = kind::"char")"""  # noqa: S608 - constants of ours
# What may be done in pg_catalog beyond what initdb lets, or though roles.sql closes it.
_CATALOG: Final = f"""
WITH objects AS (
    SELECT 'FUNCTION' AS kind, pg_proc.oid, 'pg_proc'::regclass AS class, pg_proc.oid::regprocedure::text AS name,
        proowner AS owner, acldefault('f', proowner) AS usual, coalesce(proacl, acldefault('f', proowner)) AS acl,
        {declared.SHARED_FUNCTIONS} OR {declared.COUNTING_FUNCTIONS} AS closed,
        {declared.COUNTING_FUNCTIONS} AS counts
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
    UNION ALL
    SELECT 'TABLE', pg_class.oid, 'pg_class'::regclass, relname::text, relowner, acldefault('r', relowner),
        coalesce(relacl, acldefault('r', relowner)), {declared.COUNTING_VIEWS}, {declared.COUNTING_VIEWS}
    FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
)
SELECT kind, name, {_GRANTEE}, privilege_type, counts FROM objects
LEFT JOIN pg_init_privs ON (objoid, classoid, objsubid) = (objects.oid, class, 0), LATERAL aclexplode(acl) AS entry
WHERE entry.grantee <> owner AND (
    (closed AND entry.grantee = 0) OR NOT EXISTS (
        SELECT FROM aclexplode(coalesce(initprivs, usual)) AS initial
        WHERE (initial.grantee, initial.privilege_type) = (entry.grantee, entry.privilege_type)))
ORDER BY 1, 2, 3, 4"""  # noqa: S608 - constants of ours
_KINDS: Final = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS", "L": "LARGE OBJECTS"}

Granted = Mapping[str, Collection[str]]


def compare(using: str) -> Iterator[Finding]:
    yield from _objects(using)
    yield from _registry(using)
    yield from _defaults(using)
    yield from _catalog(using)


@dataclass(frozen=True, slots=True)
class _Place:
    """Something that privileges are granted on; `revoke` and `grant` take privileges and grantee."""

    subject: str
    what: str
    hand: Hand
    revoke: str
    grant: str
    on: tuple[sql.Composable, ...]
    column: str | None = None

    def compare(self, expected: Granted, live: Granted) -> Iterator[Finding]:
        for grantee in sorted(expected.keys() | live.keys()):
            wanted, found = set(expected.get(grantee, ())), set(live.get(grantee, ()))
            changes = [(self.revoke, found - wanted), (self.grant, wanted - found)]
            remedy = "; ".join(self._change(form, which, grantee) for form, which in changes if which)
            if remedy:
                values = (", ".join(sorted(wanted)), ", ".join(sorted(found)))
                yield Finding(self.subject, f"{self.what} to {grantee}", *values, self.hand, remedy)

    def _change(self, form: str, privileges: Collection[str], grantee: str) -> str:
        column = sql.SQL(" ({})").format(sql.Identifier(self.column)) if self.column else sql.SQL("")
        each = sql.SQL(", ").join(sql.SQL(privilege) + column for privilege in sorted(privileges))
        return sql.SQL(form).format(each, *self.on, _role(grantee)).as_string()


def _place(subject: str, hand: Hand, on: sql.Composable, column: str | None = None) -> _Place:
    return _Place(subject, "granted", hand, "REVOKE {} ON {} FROM {} CASCADE", "GRANT {} ON {} TO {}", (on,), column)


def _objects(using: str) -> Iterator[Finding]:
    live: dict[tuple[str, str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for kind, name, owner, grantee, privilege in rows(using, _OBJECTS):
        entries = live[kind, name, owner]
        # Whom an administrator lets into a database that isn't ours is no business of ours, unless it is everybody.
        if grantee and ((kind, name) not in declared.FOREIGN or grantee in {"PUBLIC", *declared.ROLES}):
            entries[grantee].add(privilege)
    for (kind, name, owner), entries in live.items():
        expected = declared.OBJECTS.get((kind, name), declared.OBJECTS["DATABASE", "bulkhead"])
        hand = Hand.OWNER if owner == declared.OWNER else Hand.ADMINISTRATOR
        on = sql.SQL(kind) + sql.SQL(" ") + sql.Identifier(name)
        yield from _place(f"{kind.lower()} {name}", hand, on).compare(expected, entries)


def _registry(using: str) -> Iterator[Finding]:
    owners = dict(rows(using, _TABLES))
    live: dict[tuple[str, str, str | None], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for kind, name, column, grantee, privilege in rows(using, _REGISTRY):
        live[kind, name, column][grantee].add(privilege)
    expected: dict[tuple[str, str, str | None], dict[str, set[str]]] = defaultdict(dict)
    for role, grants in GRANTS.items():
        for table in owners.keys() & grants.keys():
            expected["TABLE", table, None][role] = set(grants[table].split(", "))
    for kind, name, column in sorted(live.keys() | expected.keys(), key=str):
        hand = Hand.OWNER if owners.get(name, declared.OWNER) == declared.OWNER else Hand.ADMINISTRATOR
        shown = f"registry {kind.lower()} {name}" + (f".{column}" if column else "")
        place = _place(shown, hand, _named(kind, name), column)
        yield from place.compare(expected.get((kind, name, column), {}), live.get((kind, name, column), {}))
    for table, owner in owners.items():
        if owner != declared.OWNER:
            remedy = (sql.SQL("ALTER ") + _named("TABLE", table) + sql.SQL(" OWNER TO bulkhead_owner")).as_string()
            yield Finding(f"registry table {table}", "owner", declared.OWNER, owner, Hand.ADMINISTRATOR, remedy)


def _named(kind: str, name: str) -> sql.Composable:
    # A function's name comes with its arguments, in PostgreSQL's own spelling.
    called = sql.SQL(name) if kind == "FUNCTION" else sql.Identifier(name)
    return sql.SQL("{} registry.{}").format(sql.SQL(kind), called)


def _defaults(using: str) -> Iterator[Finding]:
    live: dict[tuple[str, str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    roles, kinds = zip(*declared.DEFAULT_PRIVILEGES, strict=True)
    for role, schema, kind, grantee, privilege in rows(using, _DEFAULTS, {"roles": list(roles), "kinds": list(kinds)}):
        live[role, schema, kind][grantee].add(privilege)
    for (role, schema, kind), entries in sorted(live.items()):
        expected = {} if schema else declared.DEFAULT_PRIVILEGES.get((role, kind))
        if expected is None:
            # What a role gets by default in what it makes itself is said here with the rest, and is no difference.
            expected = {role: frozenset(entries.get(role, ()))}
        hand = {declared.OWNER: Hand.OWNER, declared.PROVISIONER: Hand.PROVISIONER}.get(role, Hand.ADMINISTRATOR)
        what = f"by default{f' in schema {schema}' if schema else ''}: {_KINDS[kind].lower()}"
        within = sql.SQL(" IN SCHEMA {}").format(sql.Identifier(schema)) if schema else sql.SQL("")
        head = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}{} ").format(sql.Identifier(role), within).as_string()
        revoke, grant = (f"{head}{form}" for form in ("REVOKE {} ON {} FROM {}", "GRANT {} ON {} TO {}"))
        place = _Place(f"role {role}", what, hand, revoke, grant, (sql.SQL(_KINDS[kind]),))
        yield from place.compare(expected, entries)


def _catalog(using: str) -> Iterator[Finding]:
    for kind, name, grantee, privilege, counts in rows(using, _CATALOG):
        counter = counts and grantee in declared.COUNTERS
        locker = name in declared.LOCKS and grantee in declared.LOCKERS
        if not counter and not locker:
            on = sql.SQL("{} pg_catalog.{}").format(sql.SQL(kind), sql.SQL(name))
            yield from _place(f"pg_catalog.{name}", Hand.ADMINISTRATOR, on).compare({}, {grantee: {privilege}})


def _role(grantee: str) -> sql.Composable:
    return sql.SQL("PUBLIC") if grantee == "PUBLIC" else sql.Identifier(grantee)
