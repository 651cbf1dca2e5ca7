"""Roles as code: which role may do what. This page is the whole of it; nothing in the database adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from tenants.databases.current import OutsideCompartmentError, entered
from tenants.errors import Refused

if TYPE_CHECKING:
    from tenants.compartment import Compartment

P = ParamSpec("P")
T = TypeVar("T")


class Permission(StrEnum):
    """What can be allowed, as noun:verb. `list` shows names and dates; `reveal` gives out a secret."""

    AUDIT_LIST = "audit:list"
    CONNECTIONS_LIST = "connections:list"
    CONNECTIONS_WRITE = "connections:write"
    MEMBERS_ADMIT = "members:admit"
    MEMBERS_LIST = "members:list"
    MEMBERS_WRITE = "members:write"
    MESSAGES_LIST = "messages:list"
    MESSAGES_REVEAL = "messages:reveal"
    MESSAGES_SEND = "messages:send"
    PARAMETERS_LIST = "parameters:list"
    PARAMETERS_REVEAL = "parameters:reveal"
    PARAMETERS_WRITE = "parameters:write"
    REPOSITORIES_LIST = "repositories:list"
    REPOSITORIES_WRITE = "repositories:write"
    SSH_KEYS_LIST = "ssh-keys:list"
    SSH_KEYS_REVEAL = "ssh-keys:reveal"
    SSH_KEYS_WRITE = "ssh-keys:write"


class Role(StrEnum):
    """A member's role, highest first."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    MEMBER = "member"
    AUDITOR = "auditor"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def description(self) -> str:
        return DESCRIPTIONS[self]

    def may_grant(self) -> frozenset[Role]:
        """Return the roles that this one may give and take: those below its own; an owner's also its own."""
        ranks = list(Role)
        below = ranks[ranks.index(self) + (self is not Role.OWNER) :]
        return frozenset(below) if Permission.MEMBERS_WRITE in GRANTS[self] else frozenset()


DESCRIPTIONS: Final[Mapping[Role, str]] = {
    Role.OWNER: "Runs the tenant: members and their roles, and everything else.",
    Role.MAINTAINER: "Keeps repositories, parameters, SSH keys and connections, and lets people in.",
    Role.MEMBER: "Runs builds with what their repository may have, and exchanges messages.",
    Role.AUDITOR: "Sees what there is and who did what; opens no secret and changes nothing.",
}

_AUDITOR: Final = frozenset(permission for permission in Permission if permission.endswith(":list"))
_MEMBER: Final = (_AUDITOR - {Permission.AUDIT_LIST}) | {
    Permission.MESSAGES_REVEAL,
    Permission.MESSAGES_SEND,
    Permission.PARAMETERS_REVEAL,
    Permission.SSH_KEYS_REVEAL,
}
_MAINTAINER: Final = frozenset(Permission)

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OWNER: frozenset(Permission),
    Role.MAINTAINER: _MAINTAINER,
    Role.MEMBER: _MEMBER,
    Role.AUDITOR: _AUDITOR,
}


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[Compartment, P], T]], Callable[Concatenate[Compartment, P], T]]:
    """Guard an action: whoever is in the compartment without `permission` is refused before the action begins."""

    def guard(action: Callable[Concatenate[Compartment, P], T]) -> Callable[Concatenate[Compartment, P], T]:
        @wraps(action)
        def guarded(compartment: Compartment, /, *args: P.args, **kwargs: P.kwargs) -> T:
            if entered.alias() != compartment.alias:
                # Queries go where the context is: a compartment left, or not the innermost, must not be acted on.
                raise OutsideCompartmentError(compartment.alias)
            if not compartment.may(permission):
                raise Refused(permission)
            return action(compartment, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the test that walks the actions
        return guarded

    return guard
