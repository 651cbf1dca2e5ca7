"""What every key service does. It holds the platform key and never gives it away."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class KeyService(Protocol):
    """Wraps and unwraps small keys. What is wrapped under one context unwraps under that context alone.

    All methods raise KeyServiceUnavailable when the service can't be reached and KeyServiceDenied when it refuses.
    """

    @property
    def key_id(self) -> str:
        """Which platform key this is: stored beside what it wrapped, shown to operators, no secret."""

    def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """A fresh 32-byte key, in clear and wrapped."""

    def wrap(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        """The key, wrapped and bound to the context."""

    def answers(self) -> bool:
        """Whether it did when last asked, without waiting: what is old news is found out anew in the background."""

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The key again. Raises BadCiphertext unless bytes and context are those of one `wrap`."""
