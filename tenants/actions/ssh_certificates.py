"""Issuing SSH certificates: short-lived, for the caller's own public key, and for whoever the caller is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

from django.db.models.functions import Now

from tenants import ssh_formats
from tenants.actions.audit import record
from tenants.actions.ssh_authorities import place_of, signing
from tenants.actions.ssh_principals import Identity, identity_of
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.records.models import SSHAuthority, SSHCertificate
from tenants.roles import Permission
from tenants.ssh_formats import Statement

DEFAULT_LIFE: Final = timedelta(minutes=15)
LONGEST_LIFE: Final = timedelta(hours=8)
LONGEST_BUILD_LIFE: Final = timedelta(minutes=15)  # a host asks nobody whether the build has ended meanwhile
SHORTEST_LIFE: Final = timedelta(minutes=1)
MAX_ADDRESSES: Final = 16


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, as a -cert.pub file has it, and what the host's log will show of it."""

    certificate: str
    serial: int
    key_id: str
    principals: list[str]
    valid_until: datetime
    life: timedelta  # from now on, whatever the clock says where it is used


@dataclass(frozen=True, slots=True)
class _Signer:
    authority: SSHAuthority
    private: bytes
    now: datetime  # the database's: a web server's own clock may be wrong


@requires(Permission.SSH_CERTIFICATES_ISSUE)
def issue_certificate(
    compartment: Compartment,
    *,
    public_key: str,
    principals: Sequence[str] = (),
    life: timedelta = DEFAULT_LIFE,
    source_addresses: Sequence[str] = (),
) -> Issued:
    """Certify a public key for all of the caller's principals, or those asked for among them.

    Raises Invalid: for a key that is not certified, a principal that is not the caller's, a life that is too long, no
    authority. A build's lives 15 minutes at most, whatever is asked for. What a host allows beyond running a command is
    a terminal, and that for people alone.
    """
    key = ssh_formats.read_public(public_key)
    if not SHORTEST_LIFE <= life <= LONGEST_LIFE:
        raise Invalid({"ttl": "A certificate is valid for 1 minute to 8 hours."})
    addresses = _networks(source_addresses)
    identity = identity_of(compartment)
    names = _granted(identity, principals)
    signer = _signer(compartment)
    until = _until(signer.now, life, identity).replace(microsecond=0)
    with compartment.transaction(durable=True):
        row = SSHCertificate.objects.create(
            authority=signer.authority,
            key_id=identity.key_id,
            principals=names,
            fingerprint=key.fingerprint,
            person_id=compartment.actor.person_id,
            valid_until=until,
        )
        record(
            compartment,
            "ssh_certificate.issued",
            identity.key_id,
            serial=row.serial,
            principals=names,
            fingerprint=key.fingerprint,
            until=until.isoformat(),
            addresses=addresses,
        )
        # Who retires it writes to the log as well: what the log says came later is not there yet.
        if not signing().filter(id=signer.authority.id).exists():
            raise Invalid({"authority": "The authority was retired at this moment: ask once more."})
    statement = Statement(row.serial, identity.key_id, names, signer.now, until, identity.terminal, addresses)
    certificate = ssh_formats.certify(signer.private, key, statement)
    return Issued(certificate, row.serial, identity.key_id, names, until, until - signer.now)


def _until(now: datetime, life: timedelta, identity: Identity) -> datetime:
    """Return when it ends: for a build, when that ends at the latest, and soon."""
    if identity.until is None:
        return now + life
    return min(now + min(life, LONGEST_BUILD_LIFE), identity.until)


def _granted(identity: Identity, asked: Sequence[str]) -> list[str]:
    """Return the principals asked for, in the identity's order. Raises Invalid for one that is not its own."""
    if set(asked) - set(identity.principals):
        raise Invalid({"principals": f"You may be named as {' or '.join(identity.principals)}, and nothing else."})
    return [name for name in identity.principals if not asked or name in asked]


def _networks(addresses: Sequence[str]) -> list[str]:
    if len(addresses) > MAX_ADDRESSES:
        raise Invalid({"source_addresses": f"Give at most {MAX_ADDRESSES} networks."})
    try:
        # A zone (fe80::1%eth0) is the portal's to know, not the host's, and would end up in the list as it stands.
        if any("%" in address for address in addresses):
            raise Invalid({"source_addresses": "Give networks without a zone."})
        return [str(ip_network(address)) for address in addresses]
    except ValueError:
        raise Invalid({"source_addresses": "Give networks as 192.0.2.0/24 or 2001:db8::/32."}) from None


def _signer(compartment: Compartment) -> _Signer:
    oldest = signing().annotate(now=Now()).first()
    if oldest is None:
        raise Invalid({"authority": "This tenant has no SSH authority yet: an owner or maintainer makes one."})
    private = compartment.open(place_of(compartment, oldest.id), bytes(oldest.sealed or b""))
    return _Signer(oldest, private, oldest.now)
