"""One connection as a tenant's database role, and all attempts in one round trip, each taken back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings
from psycopg import sql

from tenants.databases.current import connected
from tenants.isolation.attempt import RAN, Attempt
from tenants.registry.models import Tenant

CONNECT_SECONDS: Final = 5

# Each attempt is a subtransaction that ends in an exception, its own or ours: also what works is taken back, a role
# that was switched to included. The whole is rolled back besides. Limits are set here, because a role may change its
# own. Rights in a block are those of a statement sent by itself: it runs as the role that sent it.
_BLOCK: Final = """
DECLARE
    attempt record;
    found text;
    answers jsonb := '[]';
BEGIN
    FOR attempt IN SELECT * FROM jsonb_to_recordset({attempts}) AS each (key text, sql text, asks boolean) LOOP
        BEGIN
            found := NULL;
            IF attempt.asks THEN EXECUTE attempt.sql INTO found; ELSE EXECUTE attempt.sql; END IF;
            RAISE EXCEPTION USING ERRCODE = {ran};
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE <> {ran} THEN found := SQLERRM; END IF;
            answers := answers || jsonb_build_array(jsonb_build_array(attempt.key, SQLSTATE, left(found, 200)));
        END;
    END LOOP;
    PERFORM set_config('bulkhead.answers', answers::text, true);
END
"""
_SCRIPT: Final = """
BEGIN;
SET LOCAL statement_timeout = '30s';
SET LOCAL lock_timeout = '200ms';
SET LOCAL client_min_messages = 'error';
SET LOCAL search_path = pg_catalog;
DO {block};
SELECT current_setting('bulkhead.answers');
ROLLBACK
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt: the SQLSTATE (RAN for what worked), and what was found or said."""

    state: str
    said: str | None


def connect(tenant: Tenant) -> psycopg.Connection:
    """Open a connection as the tenant's role. Raises psycopg.OperationalError."""
    role, server = tenant.schema, _server()
    return connected(
        role,
        tenant.password_version,
        lambda password: psycopg.connect(**server, user=role, password=password, autocommit=True),
    )


def connect_as_process() -> psycopg.Connection:
    """Open another connection as the process's own role: a session of somebody else's, for tenants to find."""
    own = settings.DATABASES["default"]
    return psycopg.connect(**_server(), user=own["USER"], password=own["PASSWORD"], autocommit=True)


def _server() -> dict[str, Any]:
    default = settings.DATABASES["default"]
    parts = {"dbname": default["NAME"], "host": default["HOST"], "port": default["PORT"]}
    extra = {"connect_timeout": CONNECT_SECONDS, "application_name": "bulkhead isolation proof"}
    return {**parts, **default["OPTIONS"], **extra}


def run(connection: psycopg.Connection, attempts: Iterable[Attempt], places: Mapping[str, str]) -> dict[str, Answer]:
    """Make the attempts, take each back, and return the answers by key. Raises psycopg.Error where all of it broke."""
    wanted = [{"key": each.key, "sql": each.sql.format(**places), "asks": each.asks} for each in attempts]
    block = sql.SQL(_BLOCK).format(attempts=sql.Literal(json.dumps(wanted)), ran=sql.Literal(RAN))
    script = sql.SQL(_SCRIPT).format(block=sql.Literal(block.as_string(connection)))
    cursor = connection.execute(script)
    while cursor.description is None and cursor.nextset():
        pass
    ((answers,),) = cursor.fetchall()
    return {key: Answer(state, said) for key, state, said in json.loads(answers)}
