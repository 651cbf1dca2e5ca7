"""Render the records' migrations into the one script that makes a tenant's schema."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.db import connections
from django.db.migrations.loader import MigrationLoader

from tenants.databases.router import RECORDS, rendering

SCRIPT: Final = Path(__file__).with_name("schema.sql")

_HEADER: Final = """\
-- version: {version}
-- Rendered from tenants/records/migrations by `manage.py render_schema`; never edited by hand.
-- Run by tenants/provisioning/provision.py with the search path set to the new schema.
"""


def rendered() -> str:
    """Return the script; its first line names the migration that it ends with."""
    connection = connections["default"]
    loader = MigrationLoader(connection, replace_migrations=False)
    (leaf,) = loader.graph.leaf_nodes(RECORDS)
    plan = [(loader.graph.nodes[node], False) for node in loader.graph.forwards_plan(leaf) if node[0] == RECORDS]
    token = rendering.set(True)
    try:
        statements = loader.collect_sql(plan)
    finally:
        rendering.reset(token)
    body = "\n".join(line for line in statements if line and not line.startswith("--"))
    body = body.replace("BEGIN;\n", "").replace("COMMIT;\n", "").removesuffix("COMMIT;")
    return f"{_HEADER.format(version=leaf[1])}{body.strip()}\n"
