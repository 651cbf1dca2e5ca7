"""User certificates: a public key, whom it speaks for, and how long (OpenSSH, PROTOCOL.certkeys)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
)

from tenants.ssh_formats.public import PublicKey

SKEW: Final = timedelta(minutes=1)  # that a host's clock may be behind


@dataclass(frozen=True, slots=True)
class Statement:
    """What a certificate says; principals and key_id are ASCII without spaces in the principals."""

    serial: int
    key_id: str
    principals: Sequence[str]
    valid_from: datetime
    valid_until: datetime
    terminal: bool = False  # whether a host may give out a terminal: nothing else is ever allowed
    source_addresses: Sequence[str] = ()  # CIDR; empty: from anywhere


def certify(authority: bytes, key: PublicKey, statement: Statement) -> str:
    """Return the certificate as a -cert.pub file has it. `authority` is an Ed25519 private key in OpenSSH's format.

    Raises ValueError without principals: such a certificate would speak for everybody.
    """
    signer = load_ssh_private_key(authority, None)
    if not isinstance(signer, ed25519.Ed25519PrivateKey) or not statement.principals:
        raise ValueError("an Ed25519 authority and at least one principal are needed")
    builder = (
        SSHCertificateBuilder()
        .public_key(key.key)
        .serial(statement.serial)
        .type(SSHCertificateType.USER)
        .key_id(statement.key_id.encode("ascii"))
        .valid_principals([name.encode("ascii") for name in statement.principals])
        .valid_after(int((statement.valid_from - SKEW).timestamp()))
        .valid_before(int(statement.valid_until.timestamp()))
    )
    if statement.terminal:
        builder = builder.add_extension(b"permit-pty", b"")
    if statement.source_addresses:
        builder = builder.add_critical_option(b"source-address", ",".join(statement.source_addresses).encode("ascii"))
    return builder.sign(signer).public_bytes().decode("ascii")
