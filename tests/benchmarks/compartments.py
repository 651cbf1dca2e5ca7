"""`bench compartments`: tenants created, migrated and routed to, against django-tenants on the same PostgreSQL.

Both sides have the same tables: django-tenants' tenant app *is* `tenants.records`, its models and its migrations. Ours
makes more of them: a login role and its grants, the tenant's wrapped key, a sealing key pair, the first member and the
first row of the audit log, where django-tenants inserts a tenant and a domain.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.frame import Bench
from tests.benchmarks.scale import creation, migrating, routing
from tests.benchmarks.scale.ground import ground
from tests.benchmarks.scale.sides import our_side, their_side


def run(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-") as directory, ground(Path(directory)) as at:
        with our_side(at) as ours, their_side(at) as theirs:
            creation.against_peer(bench, ours, theirs)
            migrating.against_peer(bench, at, ours, theirs)
            with ground(Path(directory)) as small, our_side(small) as few:
                creation.flat(bench, ours, few)
            migrating.nothing_to_do(bench, ours)
        routing.against_bare(bench, at)
