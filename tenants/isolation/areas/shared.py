"""What a server has once for all its databases and schemas: none of it belongs to a compartment."""

from __future__ import annotations

from typing import Final

from tenants.isolation.areas.neighbours import sweep
from tenants.isolation.attempt import Attempt, nothing, refused

# A server without replication says so only to whoever may replicate.
_PAST_SLOT: Final = frozenset({"55000", "53400"})


def _slot(key: str, words: str, sql: str) -> Attempt:
    return Attempt(f"shared.{key}", "shared", words, sql, beyond=_PAST_SLOT)


# Nothing happens to a session that waits for its next statement. Where the one to try it at is gone, it proves nothing.
_CANCEL: Final = (
    "SELECT pg_cancel_backend({bystander} / (SELECT count(*)::int FROM pg_stat_activity WHERE pid = {bystander}))"
)

ATTEMPTS: Final = (
    *refused(
        "shared",
        (
            ("lo_create", "Create a large object", "SELECT lo_create(0)"),
            ("lo_put", "Store bytes as a large object", "SELECT lo_from_bytea(0, '')"),
            ("lo_get", "Read a large object", "SELECT lo_get(oid) FROM pg_largeobject_metadata"),
            ("lo_unlink", "Delete a large object", "SELECT lo_unlink(oid) FROM pg_largeobject_metadata"),
            ("lo_import", "Read a file as a large object", "SELECT lo_import('/dev/null')"),
            ("lock", "Hold a lock that others could wait for", "SELECT pg_advisory_xact_lock_shared(0)"),
            ("lock_session", "Hold a lock past the end of a transaction", "SELECT pg_try_advisory_lock_shared(0)"),
            ("notify", "Send a message to other sessions by a function", "SELECT pg_notify('isolation_proof', '')"),
            ("emit", "Write into the stream of replication", "SELECT pg_logical_emit_message(true, '', '')"),
            ("cancel", "Interrupt another role's session", _CANCEL),
            ("statistics", "Reset the server's statistics", "SELECT pg_stat_reset_single_table_counters(0::oid)"),
        ),
    ),
    _slot(
        "slot",
        "Open a stream of everything that is written",
        "SELECT pg_create_physical_replication_slot('isolation_proof', false, true)",
    ),
    _slot(
        "slot_logical",
        "Open a stream of everybody's changed rows",
        "SELECT pg_create_logical_replication_slot('isolation_proof', 'pgoutput', true)",
    ),
    _slot("slot_drop", "Drop somebody's stream", "SELECT pg_drop_replication_slot('isolation_proof')"),
    *nothing(
        "shared",
        (
            (
                "activity",
                "Read what another session is asking the database",
                sweep(
                    "query",
                    "pg_stat_activity WHERE usename <> '{own}' AND query <> '<insufficient privilege>' AND query <> ''",
                ),
            ),
            (
                "addresses",
                "Read from where another session comes",
                sweep("client_addr::text", "pg_stat_activity WHERE usename <> '{own}' AND client_addr IS NOT NULL"),
            ),
            (
                "certificates",
                "Read with which certificate another session came",
                sweep(
                    "pid::text",
                    "pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename <> '{own}' AND ssl IS NOT NULL",
                ),
            ),
            (
                "large_objects",
                "Find large objects that somebody left",
                sweep("oid::text", "pg_largeobject_metadata"),
            ),
            (
                "functions",
                "Call any function of those that share something among all roles",
                sweep(
                    "oid::regprocedure::text",
                    "pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ "
                    "'^(lo_|loread$|lowrite$|pg_(try_)?advisory_|pg_notify$|pg_logical_emit_message$|pg_lock_status$"
                    "|pg_((total_)?relation|table|indexes)_size$|pg_(available_wal_summaries|wal_summary_contents)$)' "
                    "AND has_function_privilege(oid, 'EXECUTE')",
                ),
            ),
        ),
    ),
)
