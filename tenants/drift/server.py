"""The server as a whole: its version, what is installed in it, and what lies where nothing of ours does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from tenants.drift import declared
from tenants.drift.findings import Finding, Hand
from tenants.drift.reading import NAME_FORM, rows

_STRANGERS: Final = """
SELECT 'extension', extname::text FROM pg_extension WHERE NOT extname = ANY(%(extensions)s)
UNION ALL SELECT 'event trigger', evtname::text FROM pg_event_trigger
UNION ALL SELECT 'foreign server', srvname::text FROM pg_foreign_server
UNION ALL SELECT 'publication', pubname::text FROM pg_publication
UNION ALL SELECT 'schema', nspname::text FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname !~ %(tenant)s AND nspname NOT IN ('information_schema', 'public', 'registry')
UNION ALL SELECT 'large objects', count(*)::text FROM pg_largeobject_metadata HAVING count(*) > 0
UNION ALL SELECT 'in schema public', relname::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i', 'I')
UNION ALL SELECT 'in schema public', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2"""


def compare(using: str) -> Iterator[Finding]:
    yield from _version(using)
    for what, name in rows(using, _STRANGERS, {"extensions": list(declared.EXTENSIONS), "tenant": NAME_FORM}):
        advice = "Nothing of the portal's makes it. Find out who did, and remove it."
        yield Finding("database", what, "", name, Hand.ADMINISTRATOR, advice)
    yield from _migrations(using)


def _version(using: str) -> Iterator[Finding]:
    ((number,),) = rows(using, "SELECT current_setting('server_version_num')::int / 10000")
    if number < declared.OLDEST_SERVER:
        wanted = f"{declared.OLDEST_SERVER} or newer"
        yield Finding("server", "version", wanted, str(number), Hand.ADMINISTRATOR, "Move to a newer PostgreSQL.")


def _migrations(using: str) -> Iterator[Finding]:
    executor = MigrationExecutor(connections[using])
    for migration, _ in executor.migration_plan(
        [node for node in executor.loader.graph.leaf_nodes() if node[0] == "registry"]
    ):
        advice = "Run `manage.py migrate` as bulkhead_owner."
        yield Finding("registry", "migration", migration.name, "", Hand.PERSON, advice)
