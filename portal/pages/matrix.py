"""The role matrix, from tenants.roles: one row a permission, one cell a role, and one for a build's own token."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from tenants.roles import BUILD_GRANTS, GRANTS, Permission, Role


@dataclass(frozen=True, slots=True)
class Row:
    permission: Permission
    cells: tuple[bool, ...]  # in the order of Role; last, a build


@dataclass(frozen=True, slots=True)
class Group:
    noun: str
    rows: tuple[Row, ...]


def groups() -> list[Group]:
    by_noun = groupby(sorted(Permission), key=lambda permission: permission.partition(":")[0])
    return [Group(noun.replace("-", " "), tuple(map(_row, permissions))) for noun, permissions in by_noun]


def _row(permission: Permission) -> Row:
    return Row(permission, tuple(permission in granted for granted in (*(GRANTS[role] for role in Role), BUILD_GRANTS)))
