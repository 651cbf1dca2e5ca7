"""Azure Key Vault beyond the contract: what stands in for associated data, the challenge, its identity."""

import hashlib
import struct

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from secrets_vault import BadCiphertext, KeyService, KeyServiceDenied, KeyServiceUnavailable, open_key_service
from secrets_vault.binding import encode, encode_context
from secrets_vault.keyservice import attempts
from tests.secrets_vault.keyservice.conftest import CONTEXT, KEY
from tests.secrets_vault.keyservice.servers import azure
from tests.secrets_vault.keyservice.servers.certificates import Authority
from tests.secrets_vault.keyservice.servers.wire import Answer, Request, WireServer

OTHER = {"tenant": "two", "key-version": "1"}
HEADER = b"BHRK\1\4"
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def associated(context: dict[str, str]) -> bytes:
    return encode(b"bulkhead remote key service", HEADER, encode_context(context))


def forge(server: azure.AzureServer, inside: dict[str, str], outside: dict[str, str]) -> tuple[bytes, bytes]:
    """A wrapped key as documented, made without the service: the context inside, and what the signature would say."""
    digest = hashlib.sha256(associated(inside)).digest()
    wrapped = server.key.public_key().encrypt(digest + KEY, OAEP)
    signed = hashlib.sha256(encode(b"bulkhead azure signature", associated(outside), wrapped)).digest()
    return struct.pack(">H", len(wrapped)) + wrapped, signed


def sign(server: azure.AzureServer, digest: bytes) -> bytes:
    return server.key.sign(digest, PSS, utils.Prehashed(hashes.SHA256()))


def test_the_bytes_are_as_documented(azure_service: KeyService, azure_server: azure.AzureServer) -> None:
    body, digest = forge(azure_server, CONTEXT, CONTEXT)
    assert azure_service.unwrap(HEADER + body + sign(azure_server, digest), CONTEXT) == KEY


def test_the_context_inside_is_checked_on_its_own(azure_service: KeyService, azure_server: azure.AzureServer) -> None:
    body, digest = forge(azure_server, OTHER, CONTEXT)
    with pytest.raises(BadCiphertext):
        azure_service.unwrap(HEADER + body + sign(azure_server, digest), CONTEXT)


def test_the_signed_context_is_checked_on_its_own(azure_service: KeyService, azure_server: azure.AzureServer) -> None:
    body, digest = forge(azure_server, CONTEXT, OTHER)
    with pytest.raises(BadCiphertext):
        azure_service.unwrap(HEADER + body + sign(azure_server, digest), CONTEXT)


def test_who_has_only_the_public_key_wraps_nothing(azure_service: KeyService, azure_server: azure.AzureServer) -> None:
    body, _ = forge(azure_server, CONTEXT, CONTEXT)
    honest = azure_service.wrap(KEY, CONTEXT)
    for signature in (b"", bytes(256), honest[-256:]):
        with pytest.raises(BadCiphertext):
            azure_service.unwrap(HEADER + body + signature, CONTEXT)


def test_a_caller_who_may_not_read_the_key_asks_the_vault_for_all(
    addresses: dict[str, str], surroundings: pytest.MonkeyPatch, azure_server: azure.AzureServer
) -> None:
    def forbid_reading(request: Request) -> Answer | None:
        seen = request.method == "GET" and "authorization" in request.headers
        return azure.failure(403, "Forbidden", "no keys/get") if seen else None

    azure_server.heal()
    azure_server.fault = forbid_reading
    service = open_key_service(addresses["azure_service"])
    assert service.unwrap(service.wrap(KEY, CONTEXT), CONTEXT) == KEY
    asked = {request.path.rpartition("/")[2] for request in azure_server.requests}
    assert {"wrapkey", "sign", "verify", "unwrapkey"} < asked
    azure_server.heal()


def test_a_challenge_for_another_domain_is_not_answered(
    authority: Authority,
    surroundings: pytest.MonkeyPatch,
    identity_server: azure.IdentityServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    challenge = 'Bearer authorization="https://login.microsoftonline.com/x", resource="https://vault.azure.net"'
    identity_server.requests.clear()
    with WireServer(authority.context) as impostor:
        impostor.fault = lambda _: Answer(401, {}, (("WWW-Authenticate", challenge),))
        with pytest.raises((KeyServiceDenied, KeyServiceUnavailable)):
            open_key_service(f"azure:{impostor.origin}{azure.PATH}").wrap(KEY, CONTEXT)
        assert impostor.requests
    assert not identity_server.requests


def test_a_machine_without_an_identity_is_denied_or_waits(
    addresses: dict[str, str], surroundings: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    surroundings.setenv("IDENTITY_HEADER", "another")
    with pytest.raises((KeyServiceDenied, KeyServiceUnavailable)):
        open_key_service(addresses["azure_service"]).wrap(KEY, CONTEXT)
