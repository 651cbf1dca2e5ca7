"""Whom a certificate names. It follows from who asks, and is never the caller's to choose.

    <tenant>/github:1001        a person, by the provider's immutable id: a login can be given up and taken by another
    <tenant>/role:maintainer    a person's role, as it is when the certificate is issued
    <tenant>/build:acme/api     a build of a repository

The tenant's slug comes first, so that a host which trusts two tenants' authorities can tell their people apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote
from uuid import UUID

from django.db.models.functions import Now

from tenants.actions.rows import fetch
from tenants.compartment import Compartment
from tenants.records.models import Build
from tenants.registry.models import Person

MAX_KEY_ID: Final = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """`key_id` is what the host's log shows; `terminal` says whether a host may give out one."""

    key_id: str
    principals: tuple[str, ...]
    terminal: bool
    until: datetime | None = None  # when it ceases to be: a build's end


def identity_of(compartment: Compartment) -> Identity:
    """Return who asks. Raises NotFound for workers and operators, who go to no host, and for a build that has ended."""
    tenant = compartment.tenant.slug
    if compartment.actor.build_id is not None:
        return _build(tenant, compartment.actor.build_id)
    person = Person.objects.only("provider", "uid", "login").get(id=compartment.actor.require_person())
    name = f"{tenant}/{person.provider}:{plain(person.uid)}"
    # The login is for whoever reads the log; nothing is decided by it.
    login = re.sub(r"[^A-Za-z0-9._-]", "_", person.login)[:64]
    return Identity(f"{name} {login}".strip(), (name, f"{tenant}/role:{compartment.role}"), terminal=True)


def _build(tenant: str, build_id: UUID) -> Identity:
    running = Build.objects.filter(outcome=Build.Outcome.RUNNING, ends_by__gt=Now(), repository__isnull=False)
    build = fetch(running.only("repository__name", "ends_by").select_related("repository"), id=build_id)
    repository = plain(build.repository.name if build.repository else "")
    key_id = f"{tenant}/build:{build_id} {repository}"[:MAX_KEY_ID]
    return Identity(key_id, (f"{tenant}/build:{repository}",), terminal=False, until=build.ends_by)


def plain(name: str) -> str:
    """Return a name without spaces and commas, which AuthorizedPrincipalsFile and principals= would split it at.

    Percent-encoding tells any two names apart still, since no name has a percent sign of its own.
    """
    return quote(name, safe="/:._-")
