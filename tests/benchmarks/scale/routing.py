"""What routing a request to its tenant costs, as requests a second through Django's handler in one thread.

The bare view has one plain connection, whose search path is set already. `routing` is against the bare view that also
asks whether the person is a member of the tenant: `compartment.enter` does both in one, and any portal has to ask. What
the question itself costs shows in `routing_query_alone`, against a bare view that lets everybody in. django-tenants is
measured as it is documented, letting everybody in: against that one too. `routing_spread` goes through more tenants in
turn than a process keeps connections for, so that nearly every request opens one: the worst that routing can cost.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

from psycopg import sql

from tests.benchmarks.frame import Bench, medians
from tests.benchmarks.scale.contestant import Contestant
from tests.benchmarks.scale.ground import PACKAGE, Ground
from tests.benchmarks.scale.requests import ROWS

SPREAD: Final = 64  # tenants
_ROWS: Final = """
INSERT INTO {}.repositories (id, name, url, labels)
SELECT gen_random_uuid(), 'repository-' || number, 'https://example.org/' || number, '[]'
FROM generate_series(1, {}) AS number
"""
_TENANTS: Final = "SELECT slug, schema FROM registry.tenants ORDER BY created_at LIMIT %s"
_PEER: Final = "SELECT schema_name FROM peer_client ORDER BY id LIMIT 1"


def against_bare(bench: Bench, at: Ground) -> None:
    count, rounds = (150, 5) if bench.quick else (500, 15)
    sides = _sides(at)
    with ExitStack() as running:
        contestants: dict[str, Callable[[], float]] = {}
        for name, (contestant, places) in sides.items():
            serving = running.enter_context(contestant)
            contestants[name] = partial(serving.ask, "served", count=count, places=places)
            contestants[name]()  # warm
        seconds = medians(contestants, rounds=rounds)
    rates = {name: count / took for name, took in seconds.items()}
    for name, ours, reference in (
        ("routing", "ours", "bare, admitting"),
        ("routing_query_alone", "ours", "bare"),
        ("routing_django_tenants", "django-tenants", "bare"),
        ("routing_spread", "spread", "bare, admitting"),
    ):
        bench.rate(name, rates[ours], "requests/s", f"{reference} view", rates[reference])


def _sides(at: Ground) -> dict[str, tuple[Contestant, list[list[str]]]]:
    """Return a process for each contestant, and the (host, path) that it is asked for."""
    with at.administrator() as ours, at.administrator("peer") as theirs:
        tenants = ours.execute(_TENANTS, [SPREAD]).fetchall()
        (peer,) = theirs.execute(_PEER).fetchone() or ("",)
        for schema in (schema for _, schema in tenants):
            ours.execute(sql.SQL(_ROWS).format(sql.Identifier(schema), ROWS))
        theirs.execute(sql.SQL(_ROWS).format(sql.Identifier(peer), ROWS))
    admitting = [["localhost", f"/t/{slug}/{at.owner}/"] for slug, _ in tenants]
    bare = at.environment_of("bare", "bulkhead", f"-csearch_path%3D{tenants[0][1]},registry")
    return {
        "ours": (at.contestant("web"), admitting[:1]),
        "spread": (at.contestant("web"), admitting),
        "bare, admitting": (Contestant(f"{PACKAGE}.bare", bare), admitting[:1]),
        "bare": (Contestant(f"{PACKAGE}.bare", bare), [["localhost", "/query/"]]),
        "django-tenants": (
            Contestant(f"{PACKAGE}.peer", at.environment_of("peer", "peer")),
            [[f"{peer}.example.org", "/query/"]],
        ),
    }
