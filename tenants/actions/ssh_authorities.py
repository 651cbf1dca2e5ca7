"""SSH certificate authorities: made and kept here; hosts trust their public halves, and the oldest of them signs.

So the next authority can be made at any time: it signs from when the one before it is retired, and hosts have known it
for as long as they were given.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Now

from secrets_vault import Place
from tenants import ssh_formats
from tenants.actions.audit import record
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.pagination import Page, PageRequest, by_position
from tenants.records.models import SSHAuthority, SSHCertificate
from tenants.roles import Permission

MAX_LIVE: Final = 3
MAX_SHOWN: Final = 100


@requires(Permission.SSH_AUTHORITIES_LIST)
def list_authorities(compartment: Compartment) -> list[SSHAuthority]:
    """Return the authorities, newest first, retired ones too; of those only as many as MAX_SHOWN leaves room for."""
    live_first = Case(When(retired_at=None, then=0), default=1)
    found = _shown().order_by(live_first, "-created_at", "-id")[:MAX_SHOWN]
    return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)


@requires(Permission.SSH_AUTHORITIES_LIST)
def signer_of(compartment: Compartment) -> UUID | None:
    """Return which authority signs: the oldest that is not retired."""
    return signing().values_list("id", flat=True).first()


@requires(Permission.SSH_AUTHORITIES_LIST)
def get_authority(compartment: Compartment, authority_id: UUID) -> SSHAuthority:
    return fetch(_shown(), id=authority_id)


@requires(Permission.SSH_AUTHORITIES_LIST)
def list_certificates(compartment: Compartment, page: PageRequest) -> Page[SSHCertificate]:
    """Return what was issued, the highest serial first."""
    return by_position(SSHCertificate.objects.annotate(position=F("serial")), page)


@requires(Permission.SSH_AUTHORITIES_WRITE)
def create_authority(compartment: Compartment) -> SSHAuthority:
    """Make an authority. Beside others it signs nothing yet: hosts have time to learn it until those are retired."""
    pair = ssh_formats.generate(f"{compartment.tenant.slug} SSH authority")
    authority = SSHAuthority(public=pair.public, fingerprint=pair.fingerprint, author=compartment.actor.label)
    authority.sealed = compartment.seal(place_of(compartment, authority.id), pair.private)
    with compartment.transaction():
        authority.save(force_insert=True)
        record(compartment, "ssh_authority.created", authority.fingerprint, id=str(authority.id))
        # Whoever has appended to the log waited for all before to commit: of several at once the last ones are refused.
        if SSHAuthority.objects.filter(retired_at=None).count() > MAX_LIVE:
            raise Invalid({"authority": f"There are {MAX_LIVE} authorities: retire one first."})
    return authority


@requires(Permission.SSH_AUTHORITIES_WRITE)
def retire_authority(compartment: Compartment, authority_id: UUID) -> SSHAuthority:
    """Shred the private half: the next oldest signs. Hosts trust what this one signed until they forget it."""
    with compartment.transaction():
        authority = fetch(_shown().select_for_update(), id=authority_id)
        if authority.retired_at is not None:
            raise Invalid({"authority": "This authority is retired already."})
        SSHAuthority.objects.filter(id=authority_id).update(sealed=None, retired_at=Now())
        record(compartment, "ssh_authority.retired", authority.fingerprint, id=str(authority.id))
    return fetch(_shown(), id=authority_id)


def place_of(compartment: Compartment, authority_id: UUID) -> Place:
    return compartment.place("ssh_authorities.sealed", authority_id, 1)


def signing() -> QuerySet[SSHAuthority]:
    """Return those that can sign, the one that does first."""
    return SSHAuthority.objects.filter(retired_at=None).order_by("created_at", "id")


def _shown() -> QuerySet[SSHAuthority]:
    return SSHAuthority.objects.defer("sealed")
