"""The records' migrations as one line, first to last: a tenant's version is the name of the last one that it has."""

from __future__ import annotations

from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from tenants.databases.router import RECORDS


class UnfitMigrationError(Exception):
    """A migration that can't be brought to tenants safely; the message names it and says what would be right."""


class Line:
    """Reads migration files alone, no database. Raises UnfitMigrationError when they branch."""

    def __init__(self) -> None:
        self.loader = MigrationLoader(None, replace_migrations=False)
        graph = self.loader.graph
        leaves = sorted(name for _, name in graph.leaf_nodes(RECORDS))
        if len(leaves) != 1:
            raise UnfitMigrationError(f"{' and '.join(leaves)} both come last: write a migration that merges them.")
        plan = [node for node in graph.forwards_plan((RECORDS, leaves[0])) if node[0] == RECORDS]
        self.migrations: list[Migration] = [graph.nodes[node] for node in plan]
        self.names: list[str] = [name for _, name in plan]
        for last, name in zip(self.names, self.names[1:], strict=False):
            if (RECORDS, last) not in graph.node_map[RECORDS, name].parents:
                raise UnfitMigrationError(f"{name} does not depend on {last}: versions must be one line.")

    @property
    def leaf(self) -> str:
        return self.names[-1]

    def after(self, version: str) -> list[str]:
        """Return what a tenant at `version` lacks, in order. Raises ValueError for a version that isn't known."""
        return self.names[self.names.index(version) + 1 :]
