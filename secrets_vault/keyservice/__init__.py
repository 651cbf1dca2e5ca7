"""Key services: one interface, and the services behind it chosen by address (see address.py for the forms)."""

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from secrets_vault.keyservice.address import KeyServiceAddress
from secrets_vault.keyservice.interface import KeyService
from secrets_vault.keyservice.local import LocalKeyService
from secrets_vault.keyservice.succession import Succession

__all__ = ["KeyService", "KeyServiceAddress", "LocalKeyService", "open_key_service", "open_key_services"]

# Imported when an address asks for it: each needs a client that most deployments don't install.
_REMOTE: Final = {
    "aws": ("aws", "AwsKeyService"),
    "transit": ("transit", "TransitKeyService"),
    "google": ("google", "GoogleKeyService"),
    "azure": ("azure", "AzureKeyService"),
}


class _Remote(Protocol):
    def __call__(self, address: KeyServiceAddress) -> KeyService: ...


def open_key_service(url: str) -> KeyService:
    """The key service at this address; nothing is asked of a remote one yet.

    Raises ValueError for another kind of address or a client that isn't installed, and what LocalKeyService.open
    raises.
    """
    address = KeyServiceAddress.parse(url)
    if address.kind == "local":
        return LocalKeyService.open(Path(address.name))
    if address.lacks:
        raise ValueError(f"this key service needs its client: install {address.lacks}")
    module, name = _REMOTE[address.kind]
    return cast("_Remote", getattr(import_module(f"{__name__}.{module}"), name))(address)


def open_key_services(url: str, others: Sequence[str]) -> KeyService:
    """The key service at this address, which also unwraps what `others` wrapped; those are opened when they are needed.

    Raises as `open_key_service` does, for the first address; of the others only the form is looked at.
    """
    for other in others:
        KeyServiceAddress.parse(other)
    current = open_key_service(url)
    return Succession(current, [partial(open_key_service, other) for other in others]) if others else current
