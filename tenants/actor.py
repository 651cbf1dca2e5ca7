"""Who acts: a person at a browser or a command line, an operator's migration, or a worker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from tenants.errors import NotFound


class ActorKind(StrEnum):
    PERSON = "person"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks; `label` and `address` are for the audit log, `person_id` is what admission is decided on."""

    kind: ActorKind
    label: str
    person_id: UUID | None = None
    token_id: UUID | None = None
    address: str = ""
    build_id: UUID | None = None  # the token is one build's: it may do what that build may, and nothing else

    @classmethod
    def person(
        cls,
        person_id: UUID,
        label: str,
        *,
        address: str = "",
        token_id: UUID | None = None,
        build_id: UUID | None = None,
    ) -> Actor:
        return cls(ActorKind.PERSON, label, person_id, token_id, address, build_id)

    def require_person(self) -> UUID:
        """Return the person's id. Raises NotFound: for workers and operators there is nothing of a person's here."""
        if self.kind is not ActorKind.PERSON or self.person_id is None:
            raise NotFound
        return self.person_id

    @classmethod
    def system(cls, label: str) -> Actor:
        """Return a worker's own task, named by what it does; it may do that and nothing that needs a permission."""
        return cls(ActorKind.SYSTEM, label)

    @classmethod
    def operator(cls, label: str) -> Actor:
        """Return an administrator's migration, named by its file."""
        return cls(ActorKind.OPERATOR, label)
