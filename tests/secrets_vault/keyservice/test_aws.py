"""AWS KMS beyond the contract: what its refusals mean, and that the encryption context is what binds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from secrets_vault import BadCiphertext, KeyService, KeyServiceDenied, KeyServiceUnavailable, open_key_service
from secrets_vault.keyservice import attempts
from secrets_vault.keyservice.remote import RemoteKeyService
from tests.secrets_vault.keyservice.conftest import CONTEXT, KEY, eager
from tests.secrets_vault.keyservice.leaks import shown, shows
from tests.secrets_vault.keyservice.servers.wire import Answer, WireServer

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

OF_ANOTHER = Answer(200, {"KeyId": "arn:aws:kms:eu-west-1:1:key/other", "Plaintext": base64.b64encode(KEY).decode()})


@pytest.fixture(scope="module")
def wire_server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


@pytest.fixture(scope="module")
def wire_service(wire_server: WireServer, aws_arn: str) -> KeyService:
    return eager(open_key_service(f"aws:{aws_arn}?endpoint={wire_server.origin}"))


@pytest.fixture
def wire(wire_server: WireServer) -> WireServer:
    wire_server.heal()
    return wire_server


@pytest.fixture
def at_the_wire(wire: WireServer, wire_service: KeyService, surroundings: pytest.MonkeyPatch) -> KeyService:
    return wire_service


def refusal(code: str, status: int) -> Answer:
    return Answer(status, {"__type": code, "message": "no"})


def test_the_context_is_kms_own_encryption_context(
    aws_service: KeyService, aws_administrator: KMSClient, aws_arn: str
) -> None:
    """Another program sees the same binding: nothing of ours is added to what KMS logs and policies can name."""
    blob = aws_service.wrap(KEY, CONTEXT)[6:]
    opened = aws_administrator.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert (opened["Plaintext"], opened["KeyId"]) == (KEY, aws_arn)
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        aws_administrator.decrypt(CiphertextBlob=blob, EncryptionContext={**CONTEXT, "tenant": "two"})


def test_kms_makes_the_keys(at_the_wire: KeyService, wire: WireServer) -> None:
    wire.fault = lambda _: refusal("DisabledException", 400)
    with pytest.raises(KeyServiceDenied):
        at_the_wire.generate(CONTEXT)
    assert wire.requests[0].headers["x-amz-target"] == "TrentService.GenerateDataKey"
    assert wire.requests[0].body["EncryptionContext"] == CONTEXT


def test_what_another_key_wrapped_is_refused(
    aws_service: KeyService, aws_administrator: KMSClient, aws_endpoint: str
) -> None:
    other = aws_administrator.create_key()["KeyMetadata"]["Arn"]
    wrapped = open_key_service(f"aws:{other}?endpoint={aws_endpoint}").wrap(KEY, CONTEXT)
    with pytest.raises(KeyServiceDenied):
        aws_service.unwrap(wrapped, CONTEXT)


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("AccessDeniedException", 400, KeyServiceDenied),
        ("DisabledException", 400, KeyServiceDenied),
        ("ExpiredTokenException", 400, KeyServiceDenied),
        ("IncorrectKeyException", 400, KeyServiceDenied),
        ("KMSInvalidStateException", 400, KeyServiceDenied),
        ("NotFoundException", 400, KeyServiceDenied),
        ("UnrecognizedClientException", 403, KeyServiceDenied),
        ("InvalidCiphertextException", 400, BadCiphertext),
        ("DependencyTimeoutException", 500, KeyServiceUnavailable),
        ("KMSInternalException", 500, KeyServiceUnavailable),
        ("KeyUnavailableException", 500, KeyServiceUnavailable),
        ("LimitExceededException", 400, KeyServiceUnavailable),
        ("RequestExpired", 400, KeyServiceUnavailable),
        ("ThrottlingException", 400, KeyServiceUnavailable),
    ],
)
def test_each_error_has_its_meaning(
    at_the_wire: KeyService,
    wire: WireServer,
    code: str,
    status: int,
    meaning: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    wire.fault = lambda _: refusal(code, status)
    with pytest.raises(meaning):
        at_the_wire.unwrap(b"BHRK\1\1" + bytes(64), CONTEXT)
    assert len(wire.requests) == 1  # the client repeats nothing by itself


def test_an_answer_for_another_key_is_refused(at_the_wire: KeyService, wire: WireServer) -> None:
    wire.fault = lambda _: OF_ANOTHER
    with pytest.raises(KeyServiceDenied, match="another key") as failure:
        at_the_wire.unwrap(b"BHRK\1\1" + bytes(64), CONTEXT)
    assert not shows(shown(failure.value), KEY)


def test_a_replica_is_asked_in_its_own_region(wire: WireServer, surroundings: pytest.MonkeyPatch) -> None:
    name = "arn:aws:kms:{}:111122223333:key/mrk-0d990263018e4e65a703eff731de951e"
    wire.fault = lambda _: refusal("DisabledException", 400)
    service = open_key_service(f"aws:{name.format('eu-west-1')}?region=eu-north-1&endpoint={wire.origin}")
    with pytest.raises(KeyServiceDenied):
        service.wrap(KEY, CONTEXT)
    assert wire.requests[0].body["KeyId"] == name.format("eu-north-1")
    assert "/eu-north-1/kms/" in wire.requests[0].headers["authorization"]
    assert service.key_id == f"aws:{name.format('eu-west-1')}"


def test_a_variable_leads_nowhere_else(aws_arn: str, surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    surroundings.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    service = open_key_service(f"aws:{aws_arn}")
    assert isinstance(service, RemoteKeyService)
    assert service._own_client().meta.endpoint_url == "https://kms.eu-west-1.amazonaws.com"
