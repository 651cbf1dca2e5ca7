"""Everything that can go wrong for a customer, drawn once.

TenantsError
├── Invalid       what was sent; names each field and what would be right
├── NotFound      missing and forbidden look alike
├── Refused       a member, but without the permission
├── Suspended     the tenant is suspended, with the operator's reason
├── LimitReached  the tenant has, or has used today, as much as its operator allows
└── Gone          a message that has expired or has been read as often as it may be
"""

from __future__ import annotations

from collections.abc import Mapping


class TenantsError(Exception):
    pass


class Invalid(TenantsError):  # noqa: N818 - doors read it as a verdict: `except Invalid`
    """What was sent can't be taken, and nothing was changed; `fields` maps each field to what would be right."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = dict(fields)

    @property
    def words(self) -> str:
        """The complaints alone, for where there are no fields to put them at."""
        return " ".join(self.fields.values())


class NotFound(TenantsError):  # noqa: N818
    """There is no such thing for this person."""


class Refused(TenantsError):  # noqa: N818
    """The person is a member, but the role does not carry the permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class Suspended(TenantsError):  # noqa: N818
    """The tenant is suspended; `reason` is what the operator told the customer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LimitReached(TenantsError):  # noqa: N818
    """The tenant may have no more of `noun`; what is counted by day it may have again in `seconds`."""

    def __init__(self, noun: str, most: int, *, seconds: int | None = None) -> None:
        super().__init__(f"{noun}: {most}")
        self.noun = noun
        self.most = most
        self.seconds = seconds

    @property
    def words(self) -> str:
        by_day = "" if self.seconds is None else " a day"
        way_out = "delete what is not needed, or ask for more" if self.seconds is None else "a day begins at 00:00 UTC"
        return f"This is more than the limit on {self.noun}{by_day} set for this tenant ({self.most:,}): {way_out}."


class Gone(TenantsError):  # noqa: N818
    """The message was here; it has expired or has been read as often as it may be."""
