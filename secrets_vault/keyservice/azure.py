"""Azure Key Vault (`bulkhead[azure]`): RSA-OAEP-256 (RFC 8017, JWA's name), which knows no associated data.

Two things make up for that. The context's SHA-256 goes inside what is wrapped, before the key, and is compared in
constant time. And since anybody may wrap with a public key, the vault signs each wrapped key with PS256: without it,
whoever can write to the database could put a key of their own in a tenant's place, and read what is sealed later on.

    offset  bytes
         0      2   length n of the wrapped key
         2      n   RSA-OAEP-256(SHA-256 of associated data ‖ key)
       2+n    ...   PS256 over SHA-256 of label, associated data and the wrapped key

Asked for: keys/get, wrapKey, unwrapKey, sign and verify (the role Key Vault Crypto User) on one RSA key's version. The
client wraps and verifies by itself once it has the public key.
Source: Key Vault REST reference, "wrap key", "unwrap key", "sign"; "Authentication, requests and responses".
"""

import hashlib
import hmac
import struct
from collections.abc import Mapping
from typing import ClassVar, Final

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm, SignatureAlgorithm

from secrets_vault.binding import encode
from secrets_vault.errors import BadCiphertext, KeyServiceDenied, VaultError
from secrets_vault.keyservice.address import KeyServiceAddress
from secrets_vault.keyservice.attempts import CONNECT_SECONDS, READ_SECONDS
from secrets_vault.keyservice.remote import RemoteKeyService
from secrets_vault.opaque import Secret

_LABEL: Final = b"bulkhead azure signature"
_LENGTH: Final = struct.Struct(">H")
_DIGEST_BYTES: Final = 32
_BAD_REQUEST: Final = 400
_REFUSED: Final = {401, 403, 404}
_WRAP: Final = KeyWrapAlgorithm.rsa_oaep_256
_SIGN: Final = SignatureAlgorithm.ps256


class AzureKeyService(RemoteKeyService[CryptographyClient]):
    """One version of an RSA key in a vault or a managed HSM."""

    __slots__ = ("_url",)
    service: ClassVar[int] = 4
    loggers: ClassVar[tuple[str, ...]] = ("azure", "msal", "urllib3")

    def __init__(self, address: KeyServiceAddress) -> None:
        super().__init__(f"azure:{address.name}")
        self._url = address.name

    def _connect(self) -> CryptographyClient:
        limits = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retry_total": 0}
        # A server has no developer who signed in: those credentials start programs and wait for them.
        credential = DefaultAzureCredential(
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_cli_credential=True,
            exclude_powershell_credential=True,
            exclude_developer_cli_credential=True,
            **limits,
        )
        return CryptographyClient(self._url, credential, permit_redirects=False, **limits)

    def _encrypt(self, client: CryptographyClient, key: Secret, context: Mapping[str, str]) -> bytes:
        bound = Secret(self._digest(context) + key.reveal())
        wrapped = client.wrap_key(_WRAP, bound.reveal()).encrypted_key
        signature = client.sign(_SIGN, self._signed(wrapped, context)).signature
        return _LENGTH.pack(len(wrapped)) + wrapped + signature

    def _decrypt(self, client: CryptographyClient, wrapped: bytes, context: Mapping[str, str]) -> Secret:
        if len(wrapped) < _LENGTH.size:
            raise BadCiphertext
        end = _LENGTH.size + _LENGTH.unpack_from(wrapped)[0]
        body, signature = wrapped[_LENGTH.size : end], wrapped[end:]
        if not signature or not client.verify(_SIGN, self._signed(body, context), signature).is_valid:
            raise BadCiphertext
        bound = Secret(client.unwrap_key(_WRAP, body).key)
        if not hmac.compare_digest(bound.reveal()[:_DIGEST_BYTES], self._digest(context)):
            raise BadCiphertext
        return Secret(bound.reveal()[_DIGEST_BYTES:])

    def _digest(self, context: Mapping[str, str]) -> bytes:
        return hashlib.sha256(self._associated(context)).digest()

    def _signed(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        return hashlib.sha256(encode(_LABEL, self._associated(context), wrapped)).digest()

    def _meaning(self, error: Exception) -> VaultError | None:
        status = error.status_code if isinstance(error, HttpResponseError) else None
        if status in _REFUSED:
            return KeyServiceDenied("Azure Key Vault refuses")
        return BadCiphertext() if status == _BAD_REQUEST else None
