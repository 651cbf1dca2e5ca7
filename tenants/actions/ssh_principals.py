"""Whom a certificate names. It follows from who asks, and is never the caller's to choose.

    <tenant>/github:1001        a person, by the provider's immutable id: a login can be given up and taken by another
    <tenant>/role:maintainer    a person's role, as it is when the certificate is issued
    <tenant>/build:acme/api     a build of a repository

The tenant's slug comes first, so that a host which trusts two tenants' authorities can tell their people apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from tenants.compartment import Compartment
from tenants.registry.models import Person


@dataclass(frozen=True, slots=True)
class Identity:
    """`key_id` is what the host's log shows; `terminal` says whether a host may give out one."""

    key_id: str
    principals: tuple[str, ...]
    terminal: bool


def identity_of(compartment: Compartment) -> Identity:
    """Raises NotFound for a worker or an operator: they go to no host."""
    tenant = compartment.tenant.slug
    person = Person.objects.only("provider", "uid", "login").get(id=compartment.actor.require_person())
    name = f"{tenant}/{person.provider}:{plain(person.uid)}"
    # The login is for whoever reads the log; nothing is decided by it.
    login = re.sub(r"[^A-Za-z0-9._-]", "_", person.login)[:64]
    return Identity(f"{name} {login}".strip(), (name, f"{tenant}/role:{compartment.role}"), terminal=True)


def build_identity(tenant: str, build_id: str, repository: str) -> Identity:
    name = f"{tenant}/build:{plain(repository)}"
    return Identity(f"{tenant}/build:{build_id} {plain(repository)}"[:255], (name,), terminal=False)


def plain(name: str) -> str:
    """Return a name without spaces and commas, which AuthorizedPrincipalsFile and principals= would split it at.

    Percent-encoding tells any two names apart still, since no name has a percent sign of its own.
    """
    return quote(name, safe="/:._-")
