"""Whoever makes the requests of one tenant, and knows its rows from any other's."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from tenants.actor import Actor
from tenants.compartment import Compartment, enter
from tenants.databases import entered
from tenants.registry.models import Membership


@dataclass
class Findings:
    """What was seen. Appending to a list from several threads loses nothing; of the rows a few may be missing."""

    requests: list[str] = field(default_factory=list)
    rows: int = 0
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            **vars(self),
            "requests": Counter(self.requests),
            "foreign": self.foreign[:20],
            "errors": self.errors[:20],
        }


@dataclass(frozen=True)
class Visitor:
    """A tenant's owner. What it writes begins with the tenant's slug, so that each row tells whose it is."""

    slug: str
    schema: str
    other: str
    actor: Actor
    findings: Findings

    @classmethod
    def pair(cls, findings: Findings, *slugs: str) -> list[Visitor]:
        found = []
        for slug, other in zip(slugs, reversed(slugs), strict=True):
            membership = Membership.objects.select_related("tenant").get(tenant__slug=slug)
            actor = Actor.person(membership.person_id, slug)
            found.append(cls(slug, membership.tenant.schema, other, actor, findings))
        return found

    def enter(self) -> AbstractContextManager[Compartment]:
        return enter(self.slug, self.actor)

    def new_name(self) -> str:
        return f"{self.slug}-{uuid.uuid4().hex[:12]}"

    def check(self, texts: Iterable[str]) -> None:
        """Look at what was read inside: each text has to begin with the slug."""
        for text in texts:
            self.findings.rows += 1
            if not text.startswith(self.slug):
                self.findings.foreign.append(f"{self.slug} read {text[:60]}")

    def check_session(self) -> None:
        """Ask the server itself whose session and schema this is."""
        with connections[self.schema].cursor() as cursor:
            cursor.execute("SELECT session_user::text, current_schema()::text")
            for role in cursor.fetchone() or ("nobody",):
                self.findings.rows += 1
                if role != self.schema:
                    self.findings.foreign.append(f"{self.schema} talked as {role}")

    def require_outside(self) -> None:
        if entered.get() is not None:
            self.findings.errors.append(f"{self.slug} is still inside {entered.alias()}")
