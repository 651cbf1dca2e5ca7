"""The key hierarchy, as the portal tells it: secrets_vault is its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    lives: str
    about: str


CHAIN: Final = (
    Link(
        "Platform key",
        "in a key service, which it never leaves; where a local key file stands in for one, with the portal",
        "It wraps tenant keys and nothing else, each bound to the tenant and version that it was made for.",
    ),
    Link(
        "Tenant key",
        "in the registry, wrapped; not in the backups of the tenant's schema",
        "One for each tenant, in versions: the newest wraps, older ones still open until they are retired. Unwrapped "
        "versions are held in memory for five minutes, then dropped and overwritten.",
    ),
    Link(
        "Item key",
        "in the sealed value itself, wrapped",
        "A fresh one for every version of every parameter, for every SSH key and authority, and for a build's key and "
        "own parameters. Deleting or retiring the item, or ending the build, deletes it.",
    ),
    Link(
        "Value",
        "in the tenant's schema, sealed",
        "AES-256-GCM under a random nonce, preceded by a key commitment that is compared before anything is decrypted.",
    ),
    Link(
        "Build key",
        "sealed in the build's row, and wrapped in its start event, until the build ends",
        "A value itself, 32 random bytes: it opens what is handed to that one build, its environment and SSH keys. It "
        "is unwrapped for the build's own token alone, while the build runs.",
    ),
)

BOUND: Final = (
    ("Format and algorithm", "an unknown one is refused, not guessed"),
    ("Tenant", "a ciphertext moved to another tenant does not open"),
    ("Purpose", "the table and column it was made for"),
    ("Item and version", "neither another row nor an older version of the same one"),
    ("Key version", "a version that was retired does not come back"),
)
