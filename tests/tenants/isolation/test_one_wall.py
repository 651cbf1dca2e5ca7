"""One wall at a time is taken down: exactly those attempts tell so that it held."""

from __future__ import annotations

from typing import Final

import pytest

from tenants.isolation.attempt import Outcome
from tests.tenants.isolation.conftest import Pair

# What is given away, how it is taken back, and exactly what tells so.
BREAKS: Final = [
    (
        "GRANT USAGE ON SCHEMA {other} TO {own}",
        "REVOKE USAGE ON SCHEMA {other} FROM {own}",
        {"neighbours.grants", "neighbours.schemas", "roles.grant_schema"},
    ),
    (
        "GRANT CREATE ON SCHEMA {other} TO {own}",
        "REVOKE CREATE ON SCHEMA {other} FROM {own}",
        {"neighbours.grants", "neighbours.schemas", "neighbours.create", "neighbours.function", "roles.grant_schema"},
    ),
    (
        "GRANT SELECT ON {other}.sealing_secrets TO PUBLIC",
        "REVOKE SELECT ON {other}.sealing_secrets FROM PUBLIC",
        {"neighbours.tables"},
    ),
    (
        "GRANT UPDATE (name) ON {other}.repositories TO {own}",
        "REVOKE UPDATE (name) ON {other}.repositories FROM {own}",
        {"neighbours.grants"},
    ),
    (
        "GRANT REFERENCES (id) ON {other}.repositories TO {own}",
        "REVOKE REFERENCES (id) ON {other}.repositories FROM {own}",
        {"neighbours.grants", "neighbours.refer"},
    ),
    (
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {other} TO {own}",
        "REVOKE USAGE ON ALL SEQUENCES IN SCHEMA {other} FROM {own}",
        {"neighbours.grants"},
    ),
    (
        "GRANT USAGE ON SCHEMA {other} TO {own}; GRANT SELECT ON {other}.sealing_secrets TO {own}",
        "REVOKE SELECT ON {other}.sealing_secrets FROM {own}; REVOKE USAGE ON SCHEMA {other} FROM {own}",
        {"neighbours.schemas", "neighbours.grants", "neighbours.select", "roles.grant_schema"},
    ),
    (
        "GRANT UPDATE (name) ON {other}.repositories TO PUBLIC",
        "REVOKE UPDATE (name) ON {other}.repositories FROM PUBLIC",
        {"neighbours.columns"},
    ),
    (
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {other} TO PUBLIC",
        "REVOKE USAGE ON ALL SEQUENCES IN SCHEMA {other} FROM PUBLIC",
        {"neighbours.sequences"},
    ),
    (
        "GRANT EXECUTE ON FUNCTION {other}.audit_chain() TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION {other}.audit_chain() FROM PUBLIC",
        {"neighbours.functions", "structure.definer"},
    ),
    (
        "ALTER TABLE {other}.received_contents OWNER TO {own}",
        "ALTER TABLE {other}.received_contents OWNER TO bulkhead_provisioner",
        {"neighbours.grants", "neighbours.refer"},
    ),
    (
        "CREATE DOMAIN {other}.proof_domain AS int; GRANT USAGE ON TYPE {other}.proof_domain TO PUBLIC",
        "DROP DOMAIN {other}.proof_domain",
        {"neighbours.types"},
    ),
    (
        "GRANT USAGE ON SCHEMA registry TO {own}; GRANT SELECT ON registry.people TO {own}",
        "REVOKE SELECT ON registry.people FROM {own}; REVOKE USAGE ON SCHEMA registry FROM {own}",
        {
            "neighbours.schemas",
            "neighbours.grants",
            "registry.read.people",
            "registry.path",
            "roles.reset_authorization",
        },
    ),
    (
        "GRANT pg_signal_backend TO {own} WITH INHERIT TRUE",
        "REVOKE pg_signal_backend FROM {own}",
        {"roles.member", "shared.cancel"},
    ),
    (
        "GRANT {other} TO {own} WITH INHERIT FALSE",
        "REVOKE {other} FROM {own}",
        {"neighbours.grants", "roles.member", "roles.set.other", "roles.config"},
    ),
    ("ALTER ROLE {own} CREATEDB", "ALTER ROLE {own} NOCREATEDB", {"roles.attributes"}),
    ("ALTER ROLE {own} CONNECTION LIMIT -1", "ALTER ROLE {own} CONNECTION LIMIT 100", {"roles.attributes"}),
    (
        "GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION lo_create(oid) FROM PUBLIC",
        {"shared.functions", "shared.lo_create"},
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO {own}",
        "REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM {own}",
        {"neighbours.grants", "shared.functions", "shared.notify"},
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_try_advisory_lock_shared(bigint) TO {own}",
        "REVOKE EXECUTE ON FUNCTION pg_try_advisory_lock_shared(bigint) FROM {own}",
        {"neighbours.grants", "shared.functions", "shared.lock_session"},
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO {own}",
        "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM {own}",
        {"neighbours.grants", "catalogs.functions", "server.read_file"},
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_stat_get_live_tuples(oid) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_stat_get_live_tuples(oid) FROM PUBLIC",
        {"catalogs.live_tuples"},
    ),
    (
        "GRANT SELECT ON pg_stat_all_tables TO {own}",
        "REVOKE SELECT ON pg_stat_all_tables FROM {own}",
        {"neighbours.grants", "catalogs.pg_stat_all_tables"},
    ),
    (
        "GRANT SELECT ON pg_authid TO {own}",
        "REVOKE SELECT ON pg_authid FROM {own}",
        {"neighbours.grants", "catalogs.pg_authid", "catalogs.views"},
    ),
    (
        "GRANT TEMPORARY ON DATABASE bulkhead TO PUBLIC",
        "REVOKE TEMPORARY ON DATABASE bulkhead FROM PUBLIC",
        {"server.databases", "structure.temporary", "structure.temporary_view"},
    ),
    (
        "GRANT CONNECT ON DATABASE postgres TO {own}",
        "REVOKE CONNECT ON DATABASE postgres FROM {own}",
        {"server.databases"},
    ),
    (
        "GRANT SET ON PARAMETER session_replication_role TO {own}",
        "REVOKE SET ON PARAMETER session_replication_role FROM {own}",
        {"server.parameters", "server.triggers"},
    ),
    (
        "GRANT ALTER SYSTEM ON PARAMETER work_mem TO {own}",
        "REVOKE ALTER SYSTEM ON PARAMETER work_mem FROM {own}",
        {"server.parameters"},
    ),
    (
        "GRANT UPDATE (entry) ON {own}.audit TO {own}",
        "REVOKE UPDATE (entry) ON {own}.audit FROM {own}",
        {"audit.update"},
    ),
    (
        "GRANT DELETE ON {own}.audit TO {own}",
        "REVOKE DELETE ON {own}.audit FROM {own}",
        {"audit.delete", "audit.merge", "audit.lock"},
    ),
    (
        "GRANT INSERT (hash) ON {own}.audit TO {own}",
        "REVOKE INSERT (hash) ON {own}.audit FROM {own}",
        {"audit.hash"},
    ),
    ("GRANT SELECT ON {own}.audit_head TO {own}", "REVOKE SELECT ON {own}.audit_head FROM {own}", {"audit.head"}),
    (
        "GRANT EXECUTE ON FUNCTION {own}.audit_chain() TO {own}",
        "REVOKE EXECUTE ON FUNCTION {own}.audit_chain() FROM {own}",
        {"structure.chain", "structure.definer"},
    ),
    (
        "GRANT CREATE ON SCHEMA {own} TO {own}",
        "REVOKE CREATE ON SCHEMA {own} FROM {own}",
        {"structure.table", "structure.view", "structure.function", "structure.type"},
    ),
    (
        "GRANT SELECT ON {own}.repositories TO {own} WITH GRANT OPTION",
        "REVOKE GRANT OPTION FOR SELECT ON {own}.repositories FROM {own}",
        {"structure.pass_on"},
    ),
    ("COMMENT ON SCHEMA {other} IS 'A customer'", "COMMENT ON SCHEMA {other} IS NULL", {"neighbours.comments"}),
]


@pytest.mark.parametrize(("give", "take_back", "told"), BREAKS, ids=[give for give, _, _ in BREAKS])
def test_one_broken_wall_is_told_by_what_it_held(pair: Pair, give: str, take_back: str, told: set[str]) -> None:
    pair.do(give)
    try:
        broken = pair.prove()
    finally:
        pair.do(take_back)
    assert {key for key, result in broken.items() if result.outcome is Outcome.ESCAPED} == told
    assert {key for key, result in broken.items() if result.outcome is Outcome.UNCLEAR} == set()
