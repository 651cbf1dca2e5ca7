"""Google Cloud KMS beyond the contract: checksums both ways, another key, credentials."""

from collections.abc import Callable
from pathlib import Path

import pytest

from secrets_vault import KeyService, KeyServiceDenied, KeyServiceUnavailable, open_key_service
from secrets_vault.keyservice import attempts
from tests.secrets_vault.keyservice.conftest import CONTEXT, KEY
from tests.secrets_vault.keyservice.servers import google
from tests.secrets_vault.keyservice.servers.wire import Json


def without(*names: str) -> Callable[[Json], Json]:
    return lambda body: {name: value for name, value in body.items() if name not in names}


def test_everything_is_sent_with_its_checksum(google_service: KeyService, google_server: google.GoogleServer) -> None:
    assert google_service.unwrap(google_service.wrap(KEY, CONTEXT), CONTEXT) == KEY
    encrypt, decrypt = (request.body for request in google_server.requests)
    assert {"plaintextCrc32c", "additionalAuthenticatedDataCrc32c"} < encrypt.keys()
    assert {"ciphertextCrc32c", "additionalAuthenticatedDataCrc32c"} < decrypt.keys()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: {**body, "ciphertext": body["ciphertext"][:-8] + "AAAAAAA="},
        lambda body: {**body, "ciphertextCrc32c": "1"},
        without("ciphertextCrc32c"),
        without("verifiedPlaintextCrc32c"),
        without("verifiedAdditionalAuthenticatedDataCrc32c"),
    ],
)
def test_a_key_wrapped_with_damage_is_not_kept(
    google_service: KeyService,
    google_server: google.GoogleServer,
    spoil: Callable[[Json], Json],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 2)
    google_server.spoil = spoil
    with pytest.raises(KeyServiceUnavailable):
        google_service.wrap(KEY, CONTEXT)
    assert len(google_server.requests) == 2


@pytest.mark.parametrize("spoil", [without("plaintextCrc32c"), lambda body: {**body, "plaintext": "AAAA"}])
def test_a_key_unwrapped_with_damage_is_not_used(
    google_service: KeyService,
    google_server: google.GoogleServer,
    spoil: Callable[[Json], Json],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    wrapped = google_service.wrap(KEY, CONTEXT)
    google_server.spoil = spoil
    with pytest.raises(KeyServiceUnavailable):
        google_service.unwrap(wrapped, CONTEXT)


def test_a_request_that_was_damaged_on_its_way_is_repeated(
    google_service: KeyService, google_server: google.GoogleServer
) -> None:
    text = "The checksum in field ciphertext_crc32c did not match the data in field ciphertext."
    wrapped = google_service.wrap(KEY, CONTEXT)
    answers = iter([google.failure(400, "INVALID_ARGUMENT", text)])
    google_server.fault = lambda _: next(answers, None)
    assert google_service.unwrap(wrapped, CONTEXT) == KEY


def test_an_answer_of_another_key_is_refused(google_service: KeyService, google_server: google.GoogleServer) -> None:
    google_server.spoil = lambda body: {**body, "name": body["name"].replace("platform", "platform-2")}
    with pytest.raises(KeyServiceDenied, match="another key"):
        google_service.wrap(KEY, CONTEXT)


def test_another_account_is_denied(
    google_server: google.GoogleServer,
    addresses: dict[str, str],
    surroundings: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    stranger = google.GoogleServer(None)
    with stranger:
        account = stranger.write_credentials(tmp_path / "account.json")
    surroundings.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    with pytest.raises(KeyServiceDenied):
        open_key_service(addresses["google_service"]).wrap(KEY, CONTEXT)
    assert google_server.requests
    google_server.heal()


def test_credentials_that_are_not_there_are_denied(addresses: dict[str, str], surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent")
    with pytest.raises(KeyServiceDenied):
        open_key_service(addresses["google_service"]).wrap(KEY, CONTEXT)
