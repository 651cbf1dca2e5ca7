"""Envelope encryption: tenant key → item key → bytes. The bytes are drawn in blob.py.

    item key    = 32 random bytes, for this one plaintext
    payload key ‖ commitment = HKDF-SHA-512(item key, info = payload binding), 32 + 32 bytes
    ciphertext  = AES-256-GCM(payload key, nonce, plaintext, payload binding)
    wrapped     = AES-256-GCM(tenant key, wrapping's nonce, item key, wrapping binding)

    payload binding  = label, format, algorithm, tenant, purpose, item, item version, origin key version
    wrapping binding = the same under its own label, then key id and key version

GCM alone commits neither to its key nor to its associated data: somebody who knows two keys can make one ciphertext
that opens under both. The commitment is derived from item key *and* binding, and compared in constant time before
anything is decrypted, so a payload has one key and one place (to the 128 bits of collision resistance that 32 bytes
give). Payload key and commitment are separate parts of HKDF's output, so the commitment tells nothing about the key.

What is not promised: lengths are not hidden, and a blob put back at its own place and version opens (a retired key
version ends that; freshness is the database's).
"""

import hmac
import os
from typing import Final, NamedTuple

from secrets_vault import aead, blob
from secrets_vault.binding import Place, encode, encode_version
from secrets_vault.blob import Blob, BlobHeader
from secrets_vault.derivation import expand
from secrets_vault.errors import BadCiphertext
from secrets_vault.keyring import Keyring, TenantKey
from secrets_vault.opaque import Secret

_SUITE: Final = bytes([blob.FORMAT, blob.AES_256_GCM])
_PAYLOAD: Final = encode(b"bulkhead payload", _SUITE)
_WRAPPING: Final = encode(b"bulkhead item key", _SUITE)


def seal(keyring: Keyring, place: Place, plaintext: bytes) -> bytes:
    """Encrypt under a fresh item key that the keyring's current key wraps.

    Raises ValueError if the place is another tenant's, or for more than 64 MiB.
    """
    if place.tenant != keyring.tenant:
        raise ValueError("a keyring seals at places of its own tenant")
    if len(plaintext) > blob.MAXIMUM_PLAINTEXT:
        raise ValueError("a plaintext has at most 64 MiB")
    item_key, origin = Secret(os.urandom(aead.KEY_BYTES)), keyring.current
    binding = _payload_binding(place, origin.version)
    key, commitment = _payload_key(item_key, binding)
    nonce, ciphertext = key.encrypt(plaintext, binding)
    wrap_nonce, wrapped = origin.wrap(item_key, _wrapping_binding(place, origin.version, origin))
    return Blob(
        magic=blob.MAGIC,
        format=blob.FORMAT,
        algorithm=blob.AES_256_GCM,
        key_id=origin.id,
        key_version=origin.version,
        wrap_nonce=wrap_nonce,
        wrapped=wrapped,
        origin_version=origin.version,
        commitment=commitment,
        nonce=nonce,
        length=len(ciphertext),
        ciphertext=ciphertext,
    ).pack()


def open_sealed(keyring: Keyring, place: Place, sealed: bytes) -> bytes:
    """The plaintext. Raises BadCiphertext, and its kind UnknownKeyVersion, for everything that does not open."""
    parts = Blob.parse(sealed)
    item = _unwrap(keyring, place, parts)
    return item.payload_key.decrypt(parts.nonce, parts.ciphertext, item.binding)


def rewrap(keyring: Keyring, place: Place, sealed: bytes) -> bytes:
    """The blob with its item key wrapped by the keyring's current key; the value's own bytes stay as they are.

    A blob under the current key comes back unchanged, so a rotation that was stopped is simply run again.
    Raises BadCiphertext and UnknownKeyVersion as `open_sealed` does, short of decrypting the payload.
    """
    parts, current = Blob.parse(sealed), keyring.current
    item = _unwrap(keyring, place, parts)
    if parts.key_version == current.version:
        return sealed
    nonce, wrapped = current.wrap(item.key, _wrapping_binding(place, parts.origin_version, current))
    return parts._replace(key_id=current.id, key_version=current.version, wrap_nonce=nonce, wrapped=wrapped).pack()


def describe(sealed: bytes) -> BlobHeader:
    """What the blob says of itself, without any key. Raises BadCiphertext if it is malformed."""
    return Blob.parse(sealed).header()


class _Item(NamedTuple):
    """An item whose commitment has been found to be its own."""

    key: Secret
    payload_key: aead.Key
    binding: bytes


def _unwrap(keyring: Keyring, place: Place, parts: Blob) -> _Item:
    if place.tenant != keyring.tenant:
        raise BadCiphertext
    tenant_key = keyring.key(parts.key_version, parts.key_id)
    wrapping = _wrapping_binding(place, parts.origin_version, tenant_key)
    item_key = tenant_key.unwrap(parts.wrap_nonce, parts.wrapped, wrapping)
    binding = _payload_binding(place, parts.origin_version)
    payload_key, commitment = _payload_key(item_key, binding)
    if not hmac.compare_digest(commitment, parts.commitment):
        raise BadCiphertext
    return _Item(item_key, payload_key, binding)


def _payload_key(item_key: Secret, binding: bytes) -> tuple[aead.Key, bytes]:
    """Payload key and commitment: the two halves of one HKDF output."""
    output = Secret(expand(item_key.reveal(), binding, 2 * aead.KEY_BYTES))
    return aead.Key(output.reveal()[: aead.KEY_BYTES]), output.reveal()[aead.KEY_BYTES :]


def _payload_binding(place: Place, origin_version: int) -> bytes:
    return _PAYLOAD + place.encoded + encode_version(origin_version)


def _wrapping_binding(place: Place, origin_version: int, key: TenantKey) -> bytes:
    return _WRAPPING + place.encoded + encode_version(origin_version) + key.name
