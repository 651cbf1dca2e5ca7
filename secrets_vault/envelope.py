"""Envelope encryption: tenant key → item key → bytes. The bytes are drawn in blob.py.

    item key    = 32 random bytes, for this one plaintext
    payload key ‖ commitment = HKDF-Expand-SHA-512(item key, payload binding), 32 + 32 bytes
    ciphertext  = AES-256-GCM(payload key, nonce, plaintext, payload binding)
    wrapped     = AES-256-GCM(tenant key, wrapping's nonce, item key, wrapping binding)

    payload binding  = label, format, algorithm, origin key version, tenant, purpose, item, item version
    wrapping binding = the same under its own label, and key id and key version after the origin

GCM alone commits neither to its key nor to its associated data: somebody who knows two keys can make one ciphertext
that opens under both. The commitment is derived from item key *and* binding, and compared in constant time before
anything is decrypted, so a payload has one key and one place (to the 128 bits of collision resistance that 32 bytes
give). Payload key and commitment are separate parts of HKDF's output, so the commitment tells nothing about the key.

What is not promised: lengths are not hidden, and a blob put back at its own place and version opens (a retired key
version ends that; freshness is the database's).
"""

import os
from functools import lru_cache
from hmac import compare_digest
from typing import Final

from secrets_vault import aead, blob
from secrets_vault.binding import Place, encode, encode_version
from secrets_vault.blob import Blob, BlobHeader
from secrets_vault.derivation import payload_key
from secrets_vault.errors import BadCiphertext
from secrets_vault.keyring import Keyring
from secrets_vault.opaque import Secret

_PAYLOAD: Final = encode(b"bulkhead payload", blob.SUITE)
_WRAPPING: Final = encode(b"bulkhead item key", blob.SUITE)


def seal(keyring: Keyring, place: Place, plaintext: bytes) -> bytes:
    """Encrypt under a fresh item key that the keyring's current key wraps.

    Raises ValueError if the place is another tenant's, or for more than 64 MiB.
    """
    if place.tenant != keyring.tenant:
        raise ValueError("a keyring seals at places of its own tenant")
    if len(plaintext) > blob.MAXIMUM_PLAINTEXT:
        raise ValueError("a plaintext has at most 64 MiB")
    item_key, origin = Secret(os.urandom(aead.KEY_BYTES)), keyring.current
    payload, wrapping = _prefixes(origin.version, origin.name)
    binding = payload + place.encoded
    key, commitment = payload_key(item_key.reveal(), binding)
    wrap_nonce, wrapped = origin.wrap(item_key, wrapping + place.encoded)
    nonce, ciphertext = aead.encrypt(key, plaintext, binding)
    head = (blob.KIND, origin.id, origin.version, wrap_nonce, wrapped, origin.version, commitment, nonce)
    return Blob(*head, len(ciphertext), ciphertext).pack()


def open_sealed(keyring: Keyring, place: Place, sealed: bytes) -> bytes:
    """The plaintext. Raises BadCiphertext, and its kind UnknownKeyVersion, for everything that does not open."""
    if place.tenant != keyring.tenant:
        raise BadCiphertext
    header, ciphertext = blob.split(sealed)
    _, key_id, key_version, wrap_nonce, wrapped, origin_version, commitment, nonce, _ = header
    tenant_key = keyring.key(key_version, key_id)
    payload, wrapping = _prefixes(origin_version, tenant_key.name)
    binding = payload + place.encoded
    key, expected = payload_key(tenant_key.unwrap(wrap_nonce, wrapped, wrapping + place.encoded), binding)
    if not compare_digest(expected, commitment):
        raise BadCiphertext
    return aead.decrypt(key, nonce, ciphertext, binding)


def rewrap(keyring: Keyring, place: Place, sealed: bytes) -> bytes:
    """The blob with its item key wrapped by the keyring's current key; the value's own bytes stay as they are.

    A blob under the current key comes back unchanged, so a rotation that was stopped is simply run again.
    Raises BadCiphertext and UnknownKeyVersion as `open_sealed` does, short of decrypting the payload.
    """
    blob.split(sealed)
    head = rewrap_head(keyring, place, sealed[: blob.HEAD_BYTES])
    return head + sealed[blob.HEAD_BYTES :]


def rewrap_head(keyring: Keyring, place: Place, head: bytes) -> bytes:
    """The same of a blob's first `blob.HEAD_BYTES`, which are all that it reads: the value need not be fetched."""
    parts, current = Blob.parse_head(head), keyring.current
    item_key = _item_key(keyring, place, parts)
    if parts.key_version == current.version:
        return head
    _, wrapping = _prefixes(parts.origin_version, current.name)
    nonce, wrapped = current.wrap(item_key, wrapping + place.encoded)
    return parts._replace(key_id=current.id, key_version=current.version, wrap_nonce=nonce, wrapped=wrapped).pack()


def same_value(one: bytes, other: bytes) -> bool:
    """Whether two blobs are one sealed value, whichever keys wrap it now. Neither is opened: that tells their place.

    Commitment and ciphertext are bound to the value's own key and place: without that key, nobody makes another such.
    """
    try:
        parts, others = Blob.parse(one), Blob.parse(other)
    except BadCiphertext:
        return False
    return compare_digest(_payload(parts), _payload(others))


def describe(sealed: bytes) -> BlobHeader:
    """What the blob says of itself, without any key. Raises BadCiphertext if it is malformed."""
    return Blob.parse(sealed).header()


def _payload(parts: Blob) -> bytes:
    return encode(encode_version(parts.origin_version), parts.commitment, parts.nonce, parts.ciphertext)


def _item_key(keyring: Keyring, place: Place, parts: Blob) -> Secret:
    """The item key, once the commitment has been found to be its own. `open_sealed` has the same in one piece."""
    if place.tenant != keyring.tenant:
        raise BadCiphertext
    tenant_key = keyring.key(parts.key_version, parts.key_id)
    payload, wrapping = _prefixes(parts.origin_version, tenant_key.name)
    item_key = Secret(tenant_key.unwrap(parts.wrap_nonce, parts.wrapped, wrapping + place.encoded))
    _, expected = payload_key(item_key.reveal(), payload + place.encoded)
    if not compare_digest(expected, parts.commitment):
        raise BadCiphertext
    return item_key


@lru_cache(maxsize=1024)
def _prefixes(origin_version: int, key_name: bytes) -> tuple[bytes, bytes]:
    """The bindings of a payload and of its item key's wrapping, up to the place. All of it is public."""
    origin = encode_version(origin_version)
    return _PAYLOAD + origin, _WRAPPING + origin + key_name
