"""The threat model: what we expect to go wrong, what stops it, and the tests that fail without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Boundary:
    name: str
    trust: str


@dataclass(frozen=True, slots=True)
class Threat:
    ids: str  # in the catalogue of requirements
    what: str
    defence: str
    tests: tuple[str, ...]  # modules, from the root of the repository


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

THREATS: Final = (
    Threat(
        "Z2 S2",
        "Code inside one tenant, through injection or a mistake, reaches for another tenant's rows.",
        "The request talks to the database as the tenant's own login role, with no right in any other schema and "
        "a member of no other role, so RESET ROLE, SET ROLE and another schema's name are denied by PostgreSQL itself.",
        ("tests/tenants/test_compartment.py",),
    ),
    Threat(
        "M8 S2",
        "A stolen row or dump is put in another place, or compared with others.",
        "Every ciphertext is bound to tenant, column, row and version, under a key and nonce of its own.",
        (
            "tests/secrets_vault/test_envelope.py",
            "tests/secrets_vault/test_binding.py",
            "tests/secrets_vault/test_commitment.py",
        ),
    ),
    Threat(
        "I1 I10",
        "A door is opened without anybody having decided who may use it.",
        "Each view and each API operation states its level; what states none is closed. Roles are one table in code, "
        "enforced by one decorator on each action, and shown as a matrix.",
        ("tests/portal/views/test_doors.py", "tests/portal/views/test_docs.py"),
    ),
    Threat(
        "Z6 M2",
        "A secret reaches a browser: in HTML, a header, a cookie, a link.",
        "Values are written and never shown; forms do not give back what was typed into a secret field, not even with "
        "an error. No token is ever displayed.",
        ("tests/portal/views/test_parameters.py", "tests/portal/views/test_ssh_keys.py"),
    ),
    Threat(
        "T2",
        "A script or style is changed on its way, or one of somebody else's is brought in.",
        "A content security policy without any inline code, and an integrity digest on every script and style, "
        "computed when they are collected.",
        ("tests/portal/views/test_assets.py",),
    ),
    Threat(
        "Z10",
        "A message is read by whoever carries it, or after its time.",
        "It is sealed to the receiving tenant's key as it is sent (HPKE with ML-KEM-768 and X25519). Reading asks the "
        "database's clock; a preview of a link opens nothing, because reading is a POST.",
        ("tests/secrets_vault/test_sealing.py", "tests/portal/views/test_messages.py"),
    ),
    Threat(
        "I12 I13",
        "One request asks for more than a server should do.",
        "Lists come in pages by key; depth, breadth and size of what is sent are bounded before it is parsed.",
        ("tests/portal/views/test_repositories.py",),
    ),
    Threat(
        "I17",
        "An error tells an attacker how the system is made.",
        "Error pages say what to do in plain words; the details are in the log, found by the incident id.",
        ("tests/portal/views/test_doors.py",),
    ),
)
