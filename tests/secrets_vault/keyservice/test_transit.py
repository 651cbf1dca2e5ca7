"""Transit beyond the contract, on a real OpenBao: refusals, rotation, tokens, and the one spelling of a ciphertext."""

import secrets
from collections.abc import Callable
from pathlib import Path

import hvac
import pytest

from secrets_vault import BadCiphertext, KeyService, KeyServiceDenied, open_key_service
from tests.secrets_vault.keyservice.conftest import CONTEXT, KEY
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer

ENGINE = "engines/transit"
NewKey = Callable[[], str]


@pytest.fixture
def new_key(bao: hvac.Client) -> NewKey:
    def make() -> str:
        name = f"key-{secrets.token_hex(4)}"
        bao.write_data(f"{ENGINE}/keys/{name}", data={"type": "chacha20-poly1305"})
        return name

    return make


@pytest.fixture
def open_named(bao: hvac.Client, surroundings: pytest.MonkeyPatch) -> Callable[[str], KeyService]:
    return lambda name: open_key_service(f"transit:{bao.url}/{ENGINE}/{name}")


Open = Callable[[str], KeyService]


def test_a_rotated_key_still_unwraps(bao: hvac.Client, open_named: Open, new_key: NewKey) -> None:
    name = new_key()
    service = open_named(name)
    before = service.wrap(KEY, CONTEXT)
    bao.write_data(f"{ENGINE}/keys/{name}/rotate", data={})
    after = service.wrap(KEY, CONTEXT)
    assert (before[6:10], after[6:10]) == (b"\0\0\0\1", b"\0\0\0\2")
    assert service.unwrap(before, CONTEXT) == service.unwrap(after, CONTEXT) == KEY
    bao.write_data(f"{ENGINE}/keys/{name}/config", data={"min_decryption_version": 2})
    with pytest.raises(KeyServiceDenied):
        service.unwrap(before, CONTEXT)


def test_a_deleted_key_is_denied(bao: hvac.Client, open_named: Open, new_key: NewKey) -> None:
    name = new_key()
    service = open_named(name)
    wrapped = service.wrap(KEY, CONTEXT)
    bao.write_data(f"{ENGINE}/keys/{name}/config", data={"deletion_allowed": True})
    bao.delete(f"{ENGINE}/keys/{name}")
    with pytest.raises(KeyServiceDenied):
        service.unwrap(wrapped, CONTEXT)


def test_an_engine_that_is_not_there_is_denied(bao: hvac.Client, surroundings: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyServiceDenied):
        open_key_service(f"transit:{bao.url}/nowhere/platform").wrap(KEY, CONTEXT)


def test_what_another_key_wrapped_does_not_unwrap(open_named: Open, new_key: NewKey) -> None:
    wrapped = open_named(new_key()).wrap(KEY, CONTEXT)
    with pytest.raises(BadCiphertext):
        open_named(new_key()).unwrap(wrapped, CONTEXT)


def test_a_version_of_zero_is_no_other_spelling_of_one(transit_service: KeyService) -> None:
    wrapped = transit_service.wrap(KEY, CONTEXT)
    with pytest.raises(BadCiphertext):
        transit_service.unwrap(wrapped[:6] + bytes(4) + wrapped[10:], CONTEXT)


@pytest.mark.parametrize("token", ["no-such-token", ""])
def test_a_token_without_the_right_is_denied(
    transit_service: KeyService, surroundings: pytest.MonkeyPatch, token: str
) -> None:
    surroundings.setenv("VAULT_TOKEN", token)
    with pytest.raises(KeyServiceDenied):
        transit_service.wrap(KEY, CONTEXT)


def test_update_on_two_paths_is_all_it_needs(
    bao: hvac.Client, open_named: Open, new_key: NewKey, surroundings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And the token's file is read each time: an agent that renews it is obeyed without a restart."""
    name = new_key()
    rules = "".join(
        f'path "{ENGINE}/{verb}/{name}" {{ capabilities = ["update"] }}\n' for verb in ("encrypt", "decrypt")
    )
    bao.sys.create_or_update_policy(name, rules)
    token = bao.auth.token.create(policies=[name], no_default_policy=True)["auth"]["client_token"]
    file = tmp_path / "token"
    file.write_text("expired\n")
    surroundings.setenv("VAULT_TOKEN_FILE", str(file))
    service = open_named(name)
    with pytest.raises(KeyServiceDenied):
        service.wrap(KEY, CONTEXT)
    file.write_text(f"{token}\n")
    assert service.unwrap(service.wrap(KEY, CONTEXT), CONTEXT) == KEY
    with pytest.raises(KeyServiceDenied):  # nor does a mistyped name make a key
        open_named(f"{name}x").wrap(KEY, CONTEXT)


def test_an_engine_that_binds_nothing_to_a_context_is_refused(surroundings: pytest.MonkeyPatch) -> None:
    """One of before associated data was known passes over it, and would open every tenant's keys as any other's."""
    surroundings.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer(binds=False) as server:
        service = open_key_service(server.address)
        for _ in range(2):
            with pytest.raises(KeyServiceDenied, match="ignores associated_data"):
                service.wrap(KEY, CONTEXT)
        with pytest.raises(KeyServiceDenied, match="ignores associated_data"):
            service.unwrap(b"BHRK\1\2\0\0\0\1" + bytes(60), CONTEXT)


def test_it_is_asked_for_proof_once(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer() as server:
        service = open_key_service(server.address)
        for _ in range(2):
            assert service.unwrap(service.wrap(KEY, CONTEXT), CONTEXT) == KEY
        assert len(server.requests) == 2 + 4
