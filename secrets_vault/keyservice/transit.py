"""The Transit engine of Vault or OpenBao (`bulkhead[vault]`). The context is the associated data of an AEAD key.

Asked for: `update` on MOUNT/encrypt/KEY and MOUNT/decrypt/KEY; with `create` a mistyped name would make a key. There
is no use of `rewrap`, which ignores associated data. A Vault before 1.13 ignores it everywhere, without a word: so the
first thing asked for in each process is to open something under another context, and that has to fail.
Wrapped: 4 bytes of key version, then the bytes that stand behind `vault:v1:`; kept as text they would have several
spellings (v0 opens as v1, base64 is read with line breaks in it).
Source: the API documentation of the engine, "Encrypt data", "Decrypt data".
"""

import base64
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import hvac
from hvac import exceptions

from secrets_vault.aead import KEY_BYTES
from secrets_vault.errors import BadCiphertext, KeyServiceDenied, KeyServiceUnavailable, VaultError
from secrets_vault.keyservice.address import KeyServiceAddress
from secrets_vault.keyservice.attempts import CONNECT_SECONDS, READ_SECONDS
from secrets_vault.keyservice.remote import RemoteKeyService
from secrets_vault.opaque import Secret

_VERSION: Final = struct.Struct(">I")
_CIPHERTEXT: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):([A-Za-z0-9+/]+={0,2})")
# The engine answers 400 for both a ciphertext that fails and a key that may not be used.
_REFUSALS: Final = ("encryption key not found", "disallowed by policy")
_ONE: Final = {"proof": "one"}
_OTHER: Final = {"proof": "other"}
_REFUSED: Final = (exceptions.Forbidden, exceptions.InvalidPath, exceptions.Unauthorized)


class TransitKeyService(RemoteKeyService[hvac.Client]):
    """A key of the Transit engine, of type aes256-gcm96 or chacha20-poly1305."""

    __slots__ = ("_binds_in", "_key", "_mount", "_namespace", "_origin")
    service: ClassVar[int] = 2
    loggers: ClassVar[tuple[str, ...]] = ("hvac", "urllib3")

    def __init__(self, address: KeyServiceAddress) -> None:
        scheme, _, rest = address.name.partition("://")
        host, *mount, self._key = rest.split("/")
        self._namespace = address.options.get("namespace")
        super().__init__(":".join(filter(None, ("transit", self._namespace, rest))))
        self._binds_in = 0  # the process that has seen it
        self._origin, self._mount = f"{scheme}://{host}", "/".join(mount)

    def _connect(self) -> hvac.Client:
        seconds = (CONNECT_SECONDS, READ_SECONDS)
        # Without a token of its own, hvac would look for one in a home directory.
        return hvac.Client(self._origin, token="", namespace=self._namespace, timeout=seconds, allow_redirects=False)  # type: ignore[arg-type]  # the stubs know one number, requests takes two

    def _encrypt(self, client: hvac.Client, key: Secret, context: Mapping[str, str]) -> bytes:
        self._require_binding(client)
        return self._ask_to_encrypt(client, key, context)

    def _decrypt(self, client: hvac.Client, wrapped: bytes, context: Mapping[str, str]) -> Secret:
        self._require_binding(client)
        return self._ask_to_decrypt(client, wrapped, context)

    def _require_binding(self, client: hvac.Client) -> None:
        """Raise KeyServiceDenied where a context binds nothing; asks once in each process."""
        if self._binds_in == os.getpid():
            return
        wrapped = self._ask_to_encrypt(client, Secret(os.urandom(KEY_BYTES)), _ONE)
        try:
            self._ask_to_decrypt(client, wrapped, _OTHER)
        except exceptions.InvalidRequest as error:
            if not isinstance(self._meaning(error), BadCiphertext):
                raise
            self._binds_in = os.getpid()
            return
        raise KeyServiceDenied("this Transit engine ignores associated_data: Vault 1.13 or later is needed, or OpenBao")

    def _ask_to_encrypt(self, client: hvac.Client, key: Secret, context: Mapping[str, str]) -> bytes:
        client.token = _token()
        answer = client.secrets.transit.encrypt_data(
            self._key,
            plaintext=_text(key.reveal()),
            associated_data=_text(self._associated(context)),
            mount_point=self._mount,
        )
        found = _CIPHERTEXT.fullmatch(answer["data"]["ciphertext"])
        if found is None:
            raise KeyServiceUnavailable("the key service answered with something else than a ciphertext")
        return _VERSION.pack(int(found[1])) + base64.b64decode(found[2])

    def _ask_to_decrypt(self, client: hvac.Client, wrapped: bytes, context: Mapping[str, str]) -> Secret:
        version = int.from_bytes(wrapped[: _VERSION.size], "big")
        if not version or len(wrapped) <= _VERSION.size:
            raise BadCiphertext
        client.token = _token()
        answer = client.secrets.transit.decrypt_data(
            self._key,
            ciphertext=f"vault:v{version}:{_text(wrapped[_VERSION.size :])}",
            associated_data=_text(self._associated(context)),
            mount_point=self._mount,
        )
        return Secret(base64.b64decode(answer["data"]["plaintext"], validate=True))

    def _meaning(self, error: Exception) -> VaultError | None:
        refused = isinstance(error, _REFUSED) or any(text in str(error) for text in _REFUSALS)
        if refused and isinstance(error, exceptions.VaultError):
            return KeyServiceDenied("the key service refuses")
        return BadCiphertext() if isinstance(error, exceptions.InvalidRequest) else None


def _token() -> str:
    path = os.environ.get("VAULT_TOKEN_FILE")
    token = Path(path).read_text(encoding="utf-8").strip() if path else os.environ.get("VAULT_TOKEN", "")
    if not token:
        raise KeyServiceDenied("there is no token for the key service: set VAULT_TOKEN_FILE or VAULT_TOKEN")
    return token


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
