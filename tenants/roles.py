"""Roles as code: which role may do what. This page is the whole of it; nothing in the database adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What can be allowed, as noun:verb. `list` shows names and dates; `reveal` gives out a secret."""

    AUDIT_LIST = "audit:list"
    BUILDS_END = "builds:end"
    BUILDS_LIST = "builds:list"
    BUILDS_START = "builds:start"
    BUILDS_USE = "builds:use"
    CONNECTIONS_LIST = "connections:list"
    CONNECTIONS_WRITE = "connections:write"
    ISOLATION_LIST = "isolation:list"
    KEYS_LIST = "keys:list"
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
    SSH_AUTHORITIES_LIST = "ssh-authorities:list"
    SSH_AUTHORITIES_WRITE = "ssh-authorities:write"
    SSH_CERTIFICATES_ISSUE = "ssh-certificates:issue"
    SSH_KEYS_LIST = "ssh-keys:list"
    SSH_KEYS_REVEAL = "ssh-keys:reveal"
    SSH_KEYS_WRITE = "ssh-keys:write"
    USAGE_LIST = "usage:list"


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
    Role.MAINTAINER: "Keeps everything a build needs, lets people in, and manages members of lower roles.",
    Role.MEMBER: "Runs builds with what their repository may have, and exchanges messages.",
    Role.AUDITOR: "Sees what there is and who did what; opens no secret and changes nothing.",
}

# What a build's own token carries, whoever started it: it reads what is the build's, names it to hosts, and ends it.
BUILD_GRANTS: Final = frozenset({Permission.BUILDS_END, Permission.BUILDS_USE, Permission.SSH_CERTIFICATES_ISSUE})

# No role reads what is a running build's own: only that build does.
_PEOPLE: Final = frozenset(Permission) - {Permission.BUILDS_USE}
_AUDITOR: Final = frozenset(permission for permission in Permission if permission.endswith(":list"))
_MEMBER: Final = (_AUDITOR - {Permission.AUDIT_LIST}) | {
    Permission.BUILDS_END,
    Permission.BUILDS_START,
    Permission.MESSAGES_REVEAL,
    Permission.MESSAGES_SEND,
    Permission.PARAMETERS_REVEAL,
    Permission.SSH_CERTIFICATES_ISSUE,
    Permission.SSH_KEYS_REVEAL,
}

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OWNER: _PEOPLE,
    Role.MAINTAINER: _PEOPLE,  # but may_grant() gives it the lower roles alone
    Role.MEMBER: _MEMBER,
    Role.AUDITOR: _AUDITOR,
}
