"""Database roles: attributes, settings and memberships, of all tenants and of the deployment's four."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from psycopg import sql

from tenants.drift import declared
from tenants.drift.findings import Finding, Hand
from tenants.drift.reading import Known, rows
from tenants.provisioning.role import ATTRIBUTES, UNSAID, clause, settings_of

_ROLES: Final = f"""
SELECT rolname, nullif(rolvaliduntil, 'infinity')::text, {", ".join(ATTRIBUTES)}
FROM pg_roles WHERE rolname = ANY(%s)"""  # noqa: S608 - names of columns, constants of ours
# Without a role: what holds for all of them in this database.
_SETTINGS: Final = """
SELECT coalesce(rolname, ''), coalesce(datname, ''), split_part(setting, '=', 1),
    substr(setting, strpos(setting, '=') + 1)
FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole
LEFT JOIN pg_database ON pg_database.oid = setdatabase,
    LATERAL unnest(setconfig) AS setting
WHERE rolname = ANY(%s) OR (setrole = 0 AND datname = current_database())"""
_MEMBERSHIPS: Final = """
SELECT role.rolname, member.rolname, grantor.rolname, concat_ws(', ', CASE WHEN admin_option THEN 'ADMIN' END,
    CASE WHEN inherit_option THEN 'INHERIT' END, CASE WHEN set_option THEN 'SET' END)
FROM pg_auth_members JOIN pg_roles AS role ON role.oid = roleid JOIN pg_roles AS member ON member.oid = member
JOIN pg_roles AS grantor ON grantor.oid = grantor
WHERE role.rolname = ANY(%(names)s) OR member.rolname = ANY(%(names)s)"""

Settings = dict[str, str]


def compare(using: str, tenants: Mapping[str, Known], *, whole: bool) -> Iterator[Finding]:
    """Compare the roles of `tenants`, and of the deployment too when `whole`."""
    names = [*tenants, *(declared.ROLES if whole else ())]
    yield from _attributes(using, tenants, names)
    yield from _settings(using, tenants, names, whole=whole)
    yield from _memberships(using, tenants, names)


def _attributes(using: str, tenants: Mapping[str, Known], names: list[str]) -> Iterator[Finding]:
    live = {
        name: (until, dict(zip(ATTRIBUTES, values, strict=True)))
        for name, until, *values in rows(using, _ROLES, [names])
    }
    for name in names:
        subject, tenant = _subject(tenants, name)
        if name not in live:
            yield Finding(subject, "role", name, "", Hand.ADMINISTRATOR, _MISSING, _id(tenant))
            continue
        until, values = live[name]
        for column, value in (ATTRIBUTES if tenant else declared.ROLES[name]).items():
            if values[column] != value:
                ours = tenant and column not in UNSAID and not values["rolsuper"]
                remedy = sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(name), sql.SQL(clause(column, value)))
                yield Finding(
                    subject,
                    "role attribute",
                    clause(column, value),
                    clause(column, values[column]),
                    Hand.PROVISIONER if ours else Hand.ADMINISTRATOR,
                    remedy.as_string(),
                    _id(tenant),
                )
        if until is not None:
            remedy = sql.SQL("ALTER ROLE {} VALID UNTIL 'infinity'").format(sql.Identifier(name))
            hand = Hand.PROVISIONER if tenant else Hand.ADMINISTRATOR
            yield Finding(subject, "role attribute", "no end", until, hand, remedy.as_string(), _id(tenant))


_MISSING: Final = "Make the role again (deploy/database/roles.sql), or restore the tenant from a backup."


def _settings(using: str, tenants: Mapping[str, Known], names: list[str], *, whole: bool) -> Iterator[Finding]:
    live: dict[tuple[str, str], Settings] = defaultdict(dict, {(name, ""): {} for name in names})
    for name, database, setting, value in rows(using, _SETTINGS, [names]):
        if name or whole:
            live[name, database][setting] = value
    for (name, database), found in live.items():
        subject, tenant = _subject(tenants, name)
        expected = {} if database or not name else settings_of(name) if tenant else declared.ROLE_SETTINGS
        for setting in sorted(found.keys() | expected.keys()):
            if found.get(setting) == expected.get(setting):
                continue
            where = f" in database {database}" if database else ""
            yield Finding(
                subject,
                f"setting {setting}{where}",
                expected.get(setting, ""),
                found.get(setting, ""),
                Hand.PROVISIONER if tenant else Hand.ADMINISTRATOR,
                _set(name, database, setting, expected.get(setting)),
                _id(tenant),
            )


def _set(name: str, database: str, setting: str, value: str | None) -> str:
    of = (
        sql.SQL("ROLE {}").format(sql.Identifier(name))
        if name
        else sql.SQL("DATABASE {}").format(sql.Identifier(database))
    )
    where = sql.SQL(" IN DATABASE {}").format(sql.Identifier(database)) if name and database else sql.SQL("")
    what = sql.Identifier(*setting.split("."))
    if value is None:
        return sql.SQL("ALTER {}{} RESET {}").format(of, where, what).as_string()
    return sql.SQL("ALTER {}{} SET {} = {}").format(of, where, what, sql.Literal(value)).as_string()


def _memberships(using: str, tenants: Mapping[str, Known], names: list[str]) -> Iterator[Finding]:
    expected = {pair: options for pair, options in declared.MEMBERSHIPS.items() if set(pair) & set(names)}
    member, options = declared.TENANT_MEMBER
    expected |= {(name, member): options for name in tenants}
    missing = dict(expected)
    for role, member, grantor, options in rows(using, _MEMBERSHIPS, {"names": names}):
        if expected.get((role, member)) == options:
            missing.pop((role, member), None)
        elif not (member in declared.ROLES and role not in names and options == declared.TENANT_MEMBER[1]):
            yield _excess(tenants, role, member, grantor, options)
    for (role, member), options in missing.items():
        subject, tenant = _subject(tenants, role)
        inherit, may_set = ("TRUE" if option in options else "FALSE" for option in ("INHERIT", "SET"))
        remedy = sql.SQL("GRANT {} TO {} WITH ADMIN {}, INHERIT {}, SET {}").format(
            sql.Identifier(role),
            sql.Identifier(member),
            *map(sql.SQL, ("TRUE" if "ADMIN" in options else "FALSE", inherit, may_set)),
        )
        what = f"membership of {member} in {role}"
        yield Finding(subject, what, options, "", Hand.ADMINISTRATOR, remedy.as_string(), _id(tenant))


def _excess(tenants: Mapping[str, Known], role: str, member: str, grantor: str, options: str) -> Finding:
    subject, tenant = _subject(tenants, member if member in tenants else role)
    remedy = sql.SQL("REVOKE {} FROM {} GRANTED BY {} CASCADE").format(*map(sql.Identifier, (role, member, grantor)))
    ours = grantor == declared.PROVISIONER and tenant
    return Finding(
        subject,
        f"membership of {member} in {role}",
        "",
        f"{options or 'no option'}, granted by {grantor}",
        Hand.PROVISIONER if ours else Hand.ADMINISTRATOR,
        remedy.as_string(),
        _id(tenant),
    )


def _subject(tenants: Mapping[str, Known], name: str) -> tuple[str, Known | None]:
    tenant = tenants.get(name)
    return (tenant.subject if tenant else f"role {name}" if name else "database"), tenant


def _id(tenant: Known | None) -> UUID | None:
    return tenant.id if tenant else None
