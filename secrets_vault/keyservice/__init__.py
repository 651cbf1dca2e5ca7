"""Key services: one interface, and the services behind it chosen by address."""

from pathlib import Path

from secrets_vault.keyservice.interface import KeyService
from secrets_vault.keyservice.local import LocalKeyService

__all__ = ["KeyService", "LocalKeyService", "open_key_service"]


def open_key_service(url: str) -> KeyService:
    """The key service at `local:/absolute/path/of/key-file`.

    Raises ValueError for another kind of address, and what LocalKeyService.open raises.
    """
    scheme, _, rest = url.partition(":")
    if scheme != "local" or not rest.startswith("/"):
        raise ValueError("a key service is given as local:/absolute/path/of/key-file")
    return LocalKeyService.open(Path(rest))
