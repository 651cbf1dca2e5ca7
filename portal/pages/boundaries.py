"""The threat model: whom we trust, with what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Boundary:
    name: str
    trust: str


BOUNDARIES: Final = (
    Boundary(
        "Anonymous", "May see the front page, these documents and whether the portal is healthy, and begin to sign in."
    ),
    Boundary(
        "Signed in",
        "A verified identity at a provider. May ask for a tenant or to join one; has access to nothing else.",
    ),
    Boundary("Member", "Inside one tenant, with a role. Each act asks for a permission that the role has to carry."),
    Boundary(
        "Operator", "Writes reviewed migrations. Has no console, and each act appears in the tenant's own audit log."
    ),
    Boundary("Worker", "Enters a compartment to deliver and to clear up. Holds no permission of a person."),
    Boundary(
        "Provider and key service", "Trusted to say who somebody is, and to keep the platform key. With nothing else."
    ),
)
