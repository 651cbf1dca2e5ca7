"""The accounts that the sandbox knows, each named for what it shows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

_NAMESPACE: Final = uuid.UUID("6f1d9c1e-7c0a-5b0e-9d1d-0d7c7a2f4b11")


@dataclass(frozen=True)
class Email:
    address: str
    primary: bool
    verified: bool


@dataclass(frozen=True)
class Account:
    login: str
    name: str
    shows: str  # what signing in with it demonstrates, for the picker
    number: int  # GitHub's immutable id
    emails: tuple[Email, ...]
    mfa: bool = True

    @property
    def uuid(self) -> str:
        """Bitbucket's immutable id: in braces, as its API writes it."""
        return f"{{{uuid.uuid5(_NAMESPACE, self.login)}}}"

    @property
    def node_id(self) -> str:
        return f"U_{self.number:08x}"


def _verified(address: str) -> tuple[Email, ...]:
    return (Email(address, primary=True, verified=True),)


ACCOUNTS: Final = {
    account.login: account
    for account in (
        Account("owner", "Olivia Owner", "Owns a tenant.", 1001, _verified("owner@acme.example")),
        Account("member", "Marc Member", "Is let into a tenant by its owner.", 1002, _verified("member@acme.example")),
        Account(
            "outsider",
            "Otto Outsider",
            "Works for another company; must see nothing of the first.",
            1003,
            (
                Email("otto@private.example", primary=False, verified=True),
                Email("outsider@elsewhere.example", primary=True, verified=True),
            ),
        ),
        Account(
            "unverified-email",
            "Uma Unverified",
            "Never confirmed her primary e-mail address; is refused.",
            1004,
            (
                Email("uma@acme.example", primary=True, verified=False),
                Email("uma@private.example", primary=False, verified=True),
            ),
        ),
        Account("no-email", "Nora Nomail", "Has no e-mail address; is refused.", 1005, ()),
        Account(
            "no-mfa", "Nick Nofactor", "Has no second factor; is told so.", 1006, _verified("nick@acme.example"), False
        ),
    )
}
