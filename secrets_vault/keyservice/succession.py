"""A key service that is in force, and others: what they wrapped they still unwrap, and they wrap nothing more."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from secrets_vault.errors import KeyServiceDenied, KeyServiceUnavailable, VaultError
from secrets_vault.keyservice.interface import KeyService
from secrets_vault.opaque import Opaque

Opener = Callable[[], KeyService]


class Succession(Opaque):
    """A KeyService that wraps by the one in force. `holder` finds the one that unwraps a key."""

    __slots__ = ("_opened", "_others", "current")

    def __init__(self, current: KeyService, others: Sequence[Opener]) -> None:
        self.current: Final = current
        # Opened when a key asks for one of them: most processes never meet one, and a client takes its time to import.
        self._others = tuple(others)
        self._opened: dict[int, KeyService] = {}

    @property
    def key_id(self) -> str:
        return self.current.key_id

    def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        return self.current.generate(context)

    def wrap(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        return self.current.wrap(plaintext, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        return self.current.unwrap(wrapped, context)

    def answers(self) -> bool:
        return self.current.answers() and all(service.answers() for service in [*self._opened.values()])

    def holder(self, key_id: str) -> KeyService:
        """The service with this id. Raises KeyServiceDenied for none of ours, or why one of ours can't be opened."""
        if key_id == self.current.key_id:
            return self.current
        failure: VaultError = KeyServiceDenied("another key service wrapped this tenant's key")
        for number in range(len(self._others)):
            try:
                service = self._other(number)
            except VaultError as error:
                failure = error
                continue
            except ValueError as error:  # a client that is not installed
                failure = KeyServiceUnavailable(str(error))
                continue
            if service.key_id == key_id:
                return service
        raise failure

    def _other(self, number: int) -> KeyService:
        if number not in self._opened:
            self._opened[number] = self._others[number]()
        return self._opened[number]
