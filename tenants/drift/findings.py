"""One difference between what the database is and what code declares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

LONGEST: Final = 300  # characters of a value that are kept: a definition of a function has thousands


class Hand(StrEnum):
    """Whose it is to put back; the first two are database roles of ours, and `--repair` acts as them."""

    PROVISIONER = "bulkhead_provisioner"
    OWNER = "bulkhead_owner"
    ADMINISTRATOR = "a database administrator"
    PERSON = "a person"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is the SQL that puts the declared state back, or for a person what to do."""

    subject: str
    what: str
    declared: str
    live: str
    hand: Hand
    remedy: str
    tenant_id: UUID | None = None
    repaired: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings of two runs the same one."""
        return self.subject, self.what, self.declared[:LONGEST], self.live[:LONGEST]

    def as_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "what": self.what,
            "declared": self.declared[:LONGEST],
            "live": self.live[:LONGEST],
            "hand": self.hand.value,
            "remedy": self.remedy,
            "repaired": self.repaired,
        }


def key_of(stored: dict[str, Any]) -> tuple[str, str, str, str]:
    return stored["subject"], stored["what"], stored["declared"], stored["live"]
