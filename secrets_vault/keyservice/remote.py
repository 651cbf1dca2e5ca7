"""What key services behind a network have in common. A wrapped key as bytes:

offset  bytes
     0      4   magic "BHRK"
     4      1   format: 1
     5      1   service: 1 = AWS KMS, 2 = Vault/OpenBao Transit, 3 = Google Cloud KMS, 4 = Azure Key Vault
     6      n   what the service's module says
"""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, Generic, TypeVar

from secrets_vault import aead
from secrets_vault.binding import encode, encode_context
from secrets_vault.errors import BadCiphertext, KeyServiceUnavailable, VaultError
from secrets_vault.keyservice.guard import Guard
from secrets_vault.keyservice.pulse import Pulse
from secrets_vault.opaque import Opaque, Secret

_MAGIC: Final = b"BHRK"
_FORMAT: Final = 1
_LABEL: Final = b"bulkhead remote key service"
_MAXIMUM_BYTES: Final = 8192  # of a wrapped key; the largest so far has about 1,000

Client = TypeVar("Client")


class RemoteKeyService(Opaque, ABC, Generic[Client]):
    """A KeyService whose platform key never leaves a service. What a subclass says of its client is all it adds."""

    __slots__ = ("_client", "_guard", "_id", "_pulse")

    service: ClassVar[int]  # its byte in a wrapped key
    loggers: ClassVar[tuple[str, ...]]  # which show what is sent, plaintext included, when somebody asks for details

    def __init__(self, key_id: str) -> None:
        self._id = key_id
        self._client: tuple[int, Client] | None = None
        self._guard = Guard()
        self._pulse = Pulse(self, self._guard)
        _hush(self.loggers)

    @property
    def key_id(self) -> str:
        return self._id

    def answers(self) -> bool:
        return self._pulse.beats()

    def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        material = Secret(os.urandom(aead.KEY_BYTES))
        return material.reveal(), self._wrap_covered(material, context)

    def wrap(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        key = Secret(plaintext)
        del plaintext  # a failure's traceback shows this frame
        return self._wrap_covered(key, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        header = self._header()
        if not header < wrapped[: len(header) + 1] or wrapped[: len(header)] != header or len(wrapped) > _MAXIMUM_BYTES:
            raise BadCiphertext
        body = wrapped[len(header) :]
        return self._guard.ask(lambda: self._decrypt(self._own_client(), body, context), self._explain).reveal()

    def _wrap_covered(self, key: Secret, context: Mapping[str, str]) -> bytes:
        return self._header() + self._guard.ask(lambda: self._encrypt(self._own_client(), key, context), self._explain)

    def _header(self) -> bytes:
        return _MAGIC + bytes([_FORMAT, self.service])

    def _associated(self, context: Mapping[str, str]) -> bytes:
        return encode(_LABEL, self._header(), encode_context(context))

    def _own_client(self) -> Client:
        """This process's client: a forked one must not share its parent's connections. Two made at once are harmless.

        It is made when it is first needed, within the time of a request: finding credentials may ask the network too.
        """
        made = self._client
        if made is None or made[0] != os.getpid():
            made = self._client = (os.getpid(), self._connect())
        return made[1]

    def _explain(self, error: Exception) -> VaultError:
        """What the client's error means, without its text, which may quote the request."""
        return self._meaning(error) or KeyServiceUnavailable(f"the key service failed ({type(error).__name__})")

    @abstractmethod
    def _connect(self) -> Client: ...

    @abstractmethod
    def _encrypt(self, client: Client, key: Secret, context: Mapping[str, str]) -> bytes: ...

    @abstractmethod
    def _decrypt(self, client: Client, wrapped: bytes, context: Mapping[str, str]) -> Secret: ...

    @abstractmethod
    def _meaning(self, error: Exception) -> VaultError | None:
        """The VaultError for an answer of the service; None where there was none, or one that is no answer."""


def _hush(names: tuple[str, ...]) -> None:
    """Raise these loggers' levels and those of the loggers below them, which may have been lowered one by one."""
    for name in [*names, *logging.Logger.manager.loggerDict]:
        if name.startswith(tuple(f"{above}." for above in names)) or name in names:
            logging.getLogger(name).setLevel(logging.WARNING)
