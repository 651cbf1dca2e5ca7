"""What imported rows must be before they are committed. All of it runs inside the import's transaction.

The rows are in the tenant's own schema by then, and typed by PostgreSQL; here they are found to be what our own code
would have written, as far as anybody outside the tenant relies on it.
"""

from __future__ import annotations

from contextlib import closing
from typing import Final
from uuid import UUID

from psycopg import sql

from secrets_vault import (
    BadCiphertext,
    BadKey,
    BrokenChain,
    Keyring,
    hashchain,
    open_from,
    open_sealed,
    seal_to,
)
from tenants.actions.builds import MAX_TTL as MAX_BUILD_TTL
from tenants.actions.messages import MAX_TTL
from tenants.provisioning.acting import as_provisioner
from tenants.provisioning.places import lookup_secret_place, sealing_place
from tenants.transfer.archive import KEYS, MANIFEST, member_of
from tenants.transfer.errors import BadArchive
from tenants.transfer.manifest import Manifest
from tenants.transfer.tables import AUDIT, Table, stream, tables

_HEAD: Final = "audit_head"
_COUNTED: Final = "usage_head"

_CHAIN: Final = """
SELECT position, (extract(epoch FROM at) * 1000000)::bigint, convert_to(entry, 'UTF8'), previous, hash
FROM {audit} ORDER BY position"""
_UNREADABLE: Final = "SELECT min(position) FROM {audit} WHERE NOT pg_input_is_valid(entry, 'jsonb')"
# Python's dates end with the year 9999 and PostgreSQL knows infinity: a page that shows either would fail.
_TIMES: Final = "SELECT count(*) FROM {table} WHERE {column} NOT BETWEEN '2000-01-01Z' AND '2200-01-01Z'"
# A content may wait as long as a message may live, whoever wrote the row; delivery does the same. So may a build.
_CLAMP: Final = """
UPDATE {messages} SET expires_at = statement_timestamp() + make_interval(secs => %s)
WHERE expires_at > statement_timestamp() + make_interval(secs => %s)"""
_CLAMP_BUILDS: Final = """
UPDATE {builds} SET ends_by = statement_timestamp() + make_interval(secs => %s)
WHERE outcome = 'running' AND ends_by > statement_timestamp() + make_interval(secs => %s)"""
_COUNTED_TOO_FAR: Final = "SELECT count(*) FROM {} WHERE position > %s"


def check_times(schema: str, using: str) -> None:
    with as_provisioner(using) as cursor:
        for table in tables():
            for column in table.times:
                cursor.execute(_about(_TIMES, table, schema, column=column))
                if cursor.fetchone() != (0,):
                    raise BadArchive(member_of(table.name), f"a time in {column} is out of this world")
        for table in tables():
            if {"expires_at", "delivered_at"} <= set(table.columns):
                statement = sql.SQL(_CLAMP).format(messages=table.qualified(schema))
                cursor.execute(statement.as_string(cursor.connection), [MAX_TTL, MAX_TTL])
        builds = sql.SQL(_CLAMP_BUILDS).format(builds=sql.Identifier(schema, "builds"))
        cursor.execute(builds.as_string(cursor.connection), [MAX_BUILD_TTL, MAX_BUILD_TTL])


def check_chain(manifest: Manifest, schema: str, using: str) -> None:
    """Follow the audit log from its first row to the head that the manifest names."""
    audit = sql.Identifier(schema, AUDIT)
    claimed = manifest.audit_position, bytes.fromhex(manifest.audit_hash)
    part = member_of(AUDIT)
    with as_provisioner(using) as cursor:
        try:
            with closing(stream(sql.SQL(_CHAIN).format(audit=audit), using)) as rows:
                head = hashchain.verify(rows)
        except BrokenChain as error:
            raise BadArchive(part, str(error)) from None
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(audit).as_string(cursor.connection))
        if (cursor.fetchone()[0], head) != claimed:
            raise BadArchive(part, "the chain does not end where the manifest says")
        statement = sql.SQL("SELECT one, position, hash FROM {}").format(sql.Identifier(schema, _HEAD))
        cursor.execute(statement.as_string(cursor.connection))
        if [(one, position, bytes(end)) for one, position, end in cursor.fetchall()] != [(True, *claimed)]:
            raise BadArchive(member_of(_HEAD), "it is not the end of the chain")
        counted = sql.SQL(_COUNTED_TOO_FAR).format(sql.Identifier(schema, _COUNTED))
        cursor.execute(counted.as_string(cursor.connection), [claimed[0]])
        if cursor.fetchone() != (0,):
            raise BadArchive(member_of(_COUNTED), "it has counted further than the log goes")
        cursor.execute(sql.SQL(_UNREADABLE).format(audit=audit).as_string(cursor.connection))
        (unreadable,) = cursor.fetchone()
    if unreadable is not None:
        raise BadArchive(part, f"row {unreadable} is no JSON")


def check_sealing(manifest: Manifest, tenant: UUID, keyring: Keyring, schema: str, using: str) -> None:
    """Prove that the keys open the tenant's data, and that peers will seal to a key that the tenant can open."""
    secrets = _secrets("sealing_secrets", schema, using)
    if list(secrets) != [key.version for key in manifest.sealing_keys]:
        raise BadArchive(member_of("sealing_secrets"), "its versions are not those of the manifest's sealing keys")
    for key in manifest.sealing_keys:
        if not _is_pair(keyring, tenant, key.version, secrets[key.version], bytes.fromhex(key.public)):
            raise BadArchive(KEYS, f"they don't open the tenant's sealing key {key.version}, or {MANIFEST} has another")

    for version, sealed in _secrets("lookup_secrets", schema, using).items():
        try:
            open_sealed(keyring, lookup_secret_place(tenant, version), sealed)
        except BadCiphertext:
            raise BadArchive(KEYS, f"they don't open the tenant's lookup key {version}") from None


def _secrets(table: str, schema: str, using: str) -> dict[int, bytes]:
    statement = sql.SQL("SELECT version, sealed FROM {} ORDER BY 1").format(sql.Identifier(schema, table))
    with as_provisioner(using) as cursor:
        cursor.execute(statement.as_string(cursor.connection))
        return {version: bytes(sealed) for version, sealed in cursor.fetchall()}


def _is_pair(keyring: Keyring, tenant: UUID, version: int, sealed: bytes, public: bytes) -> bool:
    probe = {"purpose": "import"}, b"probe"
    try:
        sent = seal_to(public, *probe)
        return open_from(open_sealed(keyring, sealing_place(tenant, version), sealed), probe[0], sent) == probe[1]
    except (BadCiphertext, BadKey):
        return False


def _about(statement: str, table: Table, schema: str, *, column: str) -> sql.Composable:
    return sql.SQL(statement).format(table=table.qualified(schema), column=sql.Identifier(column))
