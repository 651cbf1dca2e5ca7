"""Each key service with a server behind it: OpenBao and moto's AWS are real, Google's and Azure's answer as documented.

Servers start once. What the clients find in their environment, they find in these tests alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import hvac
import pytest

from secrets_vault import KeyService, open_key_service
from secrets_vault.keyservice import attempts, pulse
from secrets_vault.keyservice.remote import RemoteKeyService
from tests.secrets_vault.keyservice.servers import azure, google
from tests.secrets_vault.keyservice.servers.certificates import Authority, make_authority
from tests.secrets_vault.keyservice.servers.processes import ROOT_TOKEN, running_bao, running_moto
from tests.secrets_vault.keyservice.servers.wire import WireServer

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

REGION: Final = "eu-west-1"
AWS_KEYS: Final = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
REMOTE: Final = ("aws_service", "transit_service", "google_service", "azure_service")
CONTEXT: Final = {"tenant": "one", "key-version": "1"}
KEY: Final = bytes(range(32))
PATIENCE: Final = 60.0  # seconds; what a test waits for is there much earlier, or never
FOREIGN: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "VAULT_TOKEN_FILE", "AZURE_CLIENT_ID")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def google_server(authority: Authority) -> Iterator[google.GoogleServer]:
    with google.GoogleServer(authority.context) as server:
        yield server


@pytest.fixture(scope="session")
def azure_server(authority: Authority) -> Iterator[azure.AzureServer]:
    with azure.AzureServer(authority.context) as server:
        yield server


@pytest.fixture(scope="session")
def identity_server(azure_server: azure.AzureServer) -> Iterator[azure.IdentityServer]:
    with azure.IdentityServer() as server:
        server.resource = azure_server.resource
        yield server


@pytest.fixture(scope="session")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Where OpenBao and AWS are: they start at the same time, while the clients are imported."""
    with ExitStack() as running, ThreadPoolExecutor(2) as threads:
        bao = threads.submit(running.enter_context, running_bao(tmp_path_factory.mktemp("bao")))
        moto = threads.submit(running.enter_context, running_moto(tmp_path_factory.mktemp("moto")))
        for module in ("google", "azure"):
            import_module(f"secrets_vault.keyservice.{module}")
        yield bao.result(), moto.result()


@pytest.fixture(scope="session")
def bao(ports: tuple[int, int]) -> hvac.Client:
    """An administrator of an OpenBao server that has a key at engines/transit/platform."""
    client = hvac.Client(f"http://127.0.0.1:{ports[0]}", token=ROOT_TOKEN)
    client.sys.enable_secrets_engine("transit", path="engines/transit")
    client.write_data("engines/transit/keys/platform", data={"type": "aes256-gcm96"})
    return client


@pytest.fixture(scope="session")
def aws_endpoint(ports: tuple[int, int]) -> str:
    return f"http://127.0.0.1:{ports[1]}"


@pytest.fixture(scope="session")
def aws_administrator(aws_endpoint: str) -> KMSClient:
    return boto3.session.Session("testing", "testing", region_name=REGION).client("kms", endpoint_url=aws_endpoint)


@pytest.fixture(scope="session")
def google_account(google_server: google.GoogleServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return google_server.write_credentials(tmp_path_factory.mktemp("google") / "account.json")


@pytest.fixture
def surroundings(
    authority: Authority,
    identity_server: azure.IdentityServer,
    google_account: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:
    """What a machine of each cloud gives the clients, and nothing of this machine.

    And time: the first request makes the client and finds its credentials, which may take a slow machine seconds. Tests
    of what takes too long say how long that is.
    """
    given = {
        **AWS_KEYS,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "VAULT_TOKEN": ROOT_TOKEN,
        "GOOGLE_APPLICATION_CREDENTIALS": str(google_account),
        "GOOGLE_CLOUD_UNIVERSE_DOMAIN": google.UNIVERSE,
        "IDENTITY_ENDPOINT": f"{identity_server.origin}/token",
        "IDENTITY_HEADER": azure.SECRET,
        "REQUESTS_CA_BUNDLE": str(authority.bundle),
        "NO_PROXY": "127.0.0.1",
    }
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", PATIENCE)
    return monkeypatch


class Clock:
    """Tells breakers and pulses the time, which passes when a test says so: nothing grows old by itself."""

    def __init__(self) -> None:
        self._now = 1000.0

    def monotonic(self) -> float:
        return self._now

    def go_on(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("circuitbreaker.monotonic", clock.monotonic)
    monkeypatch.setattr(pulse, "time", clock)
    return clock


@pytest.fixture(scope="session")
def aws_arn(aws_administrator: KMSClient) -> str:
    return aws_administrator.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="session")
def addresses(
    aws_arn: str,
    aws_endpoint: str,
    bao: hvac.Client,
    google_server: google.GoogleServer,
    azure_server: azure.AzureServer,
) -> dict[str, str]:
    return {
        "aws_service": f"aws:{aws_arn}?region={REGION}&endpoint={aws_endpoint}",
        "transit_service": f"transit:{bao.url}/engines/transit/platform",
        "google_service": f"google:{google.KEY}?endpoint={google_server.origin}",
        "azure_service": f"azure:{azure_server.origin}{azure.PATH}",
    }


@pytest.fixture(scope="session")
def opened(addresses: dict[str, str]) -> dict[str, KeyService]:
    """A process has one client of its key service; it connects in the first test that asks it something."""
    return {name: eager(open_key_service(url)) for name, url in addresses.items()}


def eager(service: KeyService) -> KeyService:
    """Let it be asked again at once after a failure: what its breaker does is shown by itself, in test_guard."""
    assert isinstance(service, RemoteKeyService)
    service._guard._breaker._recovery_timeout = 1e-9
    return service


@pytest.fixture
def aws_service(surroundings: pytest.MonkeyPatch, opened: dict[str, KeyService]) -> KeyService:
    return opened["aws_service"]


@pytest.fixture
def transit_service(surroundings: pytest.MonkeyPatch, opened: dict[str, KeyService]) -> KeyService:
    return opened["transit_service"]


@pytest.fixture
def google_service(
    surroundings: pytest.MonkeyPatch, opened: dict[str, KeyService], google_server: google.GoogleServer
) -> Iterator[KeyService]:
    yield from _healed(google_server, opened["google_service"])


@pytest.fixture
def azure_service(
    surroundings: pytest.MonkeyPatch, opened: dict[str, KeyService], azure_server: azure.AzureServer
) -> Iterator[KeyService]:
    yield from _healed(azure_server, opened["azure_service"])


def _healed(server: WireServer, service: KeyService) -> Iterator[KeyService]:
    server.heal()  # and forget what another test asked
    yield service
    server.heal()
