"""What it means when Google or Azure refuses: each says it in its own words."""

import pytest

from secrets_vault import BadCiphertext, KeyService, KeyServiceDenied, KeyServiceUnavailable
from secrets_vault.keyservice import attempts
from tests.secrets_vault.keyservice.conftest import CONTEXT, KEY
from tests.secrets_vault.keyservice.servers import azure, google
from tests.secrets_vault.keyservice.servers.wire import WireServer

CLOUDS = {"azure": azure, "google": google}


@pytest.mark.parametrize(
    ("cloud", "status", "code", "message", "meaning"),
    [
        ("azure", 400, "BadParameter", "no", BadCiphertext),
        ("azure", 403, "Forbidden", "Operation is not allowed on a disabled key.", KeyServiceDenied),
        ("azure", 404, "KeyNotFound", "no", KeyServiceDenied),
        ("azure", 429, "Throttled", "later", KeyServiceUnavailable),
        ("azure", 500, "InternalError", "later", KeyServiceUnavailable),
        ("google", 400, "FAILED_PRECONDITION", "The key version is not enabled.", KeyServiceDenied),
        ("google", 400, "INVALID_ARGUMENT", "Decryption failed.", BadCiphertext),
        ("google", 401, "UNAUTHENTICATED", "no", KeyServiceDenied),
        ("google", 403, "PERMISSION_DENIED", "no", KeyServiceDenied),
        ("google", 404, "NOT_FOUND", "no", KeyServiceDenied),
        ("google", 429, "RESOURCE_EXHAUSTED", "later", KeyServiceUnavailable),
        ("google", 503, "UNAVAILABLE", "later", KeyServiceUnavailable),
        ("google", 504, "DEADLINE_EXCEEDED", "later", KeyServiceUnavailable),
    ],
)
def test_each_error_has_its_meaning(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    cloud: str,
    status: int,
    code: str,
    message: str,
    meaning: type[Exception],
) -> None:
    service: KeyService = request.getfixturevalue(f"{cloud}_service")
    server: WireServer = request.getfixturevalue(f"{cloud}_server")
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    wrapped = service.wrap(KEY, CONTEXT)
    server.fault = lambda _: CLOUDS[cloud].failure(status, code, message)
    with pytest.raises(meaning):
        service.unwrap(wrapped, CONTEXT)
