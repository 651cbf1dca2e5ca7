"""A key service, a tenant's keyring with two versions, and one sealed value: real parts, made once, all immutable."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from secrets_vault import Keyring, LocalKeyService, Place, WrappedKey, seal

TENANT = UUID("6f0d8f0e-6a0e-4d0b-9f55-111111111111")
OTHER_TENANT = UUID("6f0d8f0e-6a0e-4d0b-9f55-222222222222")
ITEM = UUID("0a8cbb1c-3d5a-4b8e-8f44-333333333333")
PLACE = Place(TENANT, "parameters.value", ITEM, 3)
PLAINTEXT = b"correct horse battery staple"


@dataclass(frozen=True)
class Vault:
    """A tenant's keyring with versions 1 and 2, its rows, and PLAINTEXT at PLACE under either version."""

    service: LocalKeyService
    first: Keyring
    keyring: Keyring
    rows: tuple[WrappedKey, WrappedKey]
    old: bytes
    sealed: bytes


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> LocalKeyService:
    return LocalKeyService.create(tmp_path_factory.mktemp("keys") / "platform")


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    return tmp_path / "platform"


@pytest.fixture(scope="session")
def vault(service: LocalKeyService) -> Vault:
    first, row = Keyring.create(service, TENANT)
    keyring, second_row = first.add(service)
    return Vault(
        service=service,
        first=first,
        keyring=keyring,
        rows=(row, second_row),
        old=seal(first, PLACE, PLAINTEXT),
        sealed=seal(keyring, PLACE, PLAINTEXT),
    )
