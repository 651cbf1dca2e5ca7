"""Everything that is tried, by area."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from tenants.isolation.areas import audit, catalogs, known, neighbours, own, registry, roles, server, shared
from tenants.isolation.attempt import Area, Attempt

AREAS: Final = (
    Area("own", "Your own compartment opens", "Has to work: where nothing works, refusals would prove nothing."),
    Area("neighbours", "Other tenants", "Every other compartment is asked about; one or two are tried for real."),
    Area("registry", "The registry", "The portal's own tables: people, sessions, tenants, wrapped keys."),
    Area("catalogs", "The server's secrets", "What PostgreSQL itself knows: passwords, statistics, configuration."),
    Area("roles", "Becoming somebody else", "Other database roles, and more rights for one's own."),
    Area("server", "The machine", "Files, programs, extensions, other databases, the server's settings."),
    Area("structure", "Objects of one's own making", "Tables, functions or triggers could lie in wait for others."),
    Area("shared", "What a server shares", "Large objects, locks, messages, sessions: outside of every schema."),
    Area("audit", "Your own audit log", "Entries are only ever added, also by whoever is inside."),
    Area("known", "What PostgreSQL can't hide", "Possible for every role on a server, and why it is bearable."),
)


@cache
def attempts() -> tuple[Attempt, ...]:
    """Return every attempt, in the order of the areas."""
    return (
        *own.ATTEMPTS,
        *neighbours.ATTEMPTS,
        *registry.attempts(),
        *catalogs.ATTEMPTS,
        *roles.ATTEMPTS,
        *server.ATTEMPTS,
        *own.STRUCTURE,
        *shared.ATTEMPTS,
        *audit.ATTEMPTS,
        *known.ATTEMPTS,
    )


@cache
def by_key() -> Mapping[str, Attempt]:
    return {attempt.key: attempt for attempt in attempts()}
