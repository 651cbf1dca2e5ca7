"""Say how much a tenant may have and use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypedDict, Unpack

from tenants.actor import Actor
from tenants.operations.lifecycle import TenantOperation
from tenants.provisioning.journal import log
from tenants.registry.allowances import NAMES, allowances
from tenants.registry.models import TenantLimits

MOST: Final = 2**31 - 1  # a number of things
MOST_BYTES: Final = 2**63 - 1


class Limits(TypedDict, total=False):
    """What is not named has no limit; 0 allows none."""

    members: int
    repositories: int
    parameters: int  # in all sets together
    ssh_keys: int
    builds_a_day: int
    reads_a_day: int
    messages_a_day: int
    message_bytes_a_day: int


class SetLimits(TenantOperation):
    """Give a tenant these limits and no others, in place of those it has, which are named too.

    Naming what is replaced lets a reviewer see the change, and lets it be undone. Nothing is taken away from a tenant
    that has more than it may: it can add nothing until it has less.
    """

    def __init__(self, slug: str, *, replaces: Limits | None = None, **limits: Unpack[Limits]) -> None:
        super().__init__(slug)
        self.limits = _checked(limits)
        self.replaces = _checked(replaces or {})
        if self.limits == self.replaces:
            raise ValueError(f"{slug}: an operation that changes nothing could not be undone.")

    def act(self, using: str, actor: Actor) -> None:
        self._replace(self.replaces, self.limits, actor, using)

    def undo(self, using: str, actor: Actor) -> None:
        self._replace(self.limits, self.replaces, actor, using)

    def describe(self) -> str:
        return f"Set limits of tenant {self.slug}"

    def _replace(self, before: Mapping[str, int], after: Mapping[str, int], actor: Actor, using: str) -> None:
        tenant = self.tenant(using)
        live = dict(allowances(tenant))
        if live != before:
            raise ValueError(f"{self.slug} has the limits {_said(live)}, and not {_said(before)}: nothing was changed.")
        every = {name: after.get(name) for name in NAMES}
        TenantLimits.objects.using(using).update_or_create(tenant=tenant, defaults=every)
        detail = {"limits": _lines(after), "limits_before": _lines(before)}
        log(tenant, actor, "tenant.limits_set", tenant.slug, detail, using=using)


def _checked(limits: Mapping[str, object]) -> dict[str, int]:
    checked: dict[str, int] = {}
    for name, most in limits.items():
        if name not in NAMES:
            raise ValueError(f"{name} is no limit: use {', '.join(NAMES)}.")
        greatest = MOST_BYTES if name == "message_bytes_a_day" else MOST
        if type(most) is not int or not 0 <= most <= greatest:
            raise ValueError(f"{name} is a number from 0 to {greatest:,}; leave it out for none.")
        checked[name] = most
    return checked


def _lines(limits: Mapping[str, int]) -> list[str]:
    return [f"{name} {limits[name]}" for name in NAMES if name in limits]


def _said(limits: Mapping[str, int]) -> str:
    return ", ".join(_lines(limits)) or "none"
