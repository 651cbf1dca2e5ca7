"""How key services are named: each form, nothing near it, and never without TLS to another machine."""

import subprocess
import sys

import pytest

from secrets_vault import KeyServiceAddress, open_key_service
from secrets_vault.keyservice import address

ARN = "arn:aws:kms:eu-west-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
REPLICATED = "arn:aws:kms:eu-west-1:111122223333:key/mrk-0d990263018e4e65a703eff731de951e"
CRYPTO_KEY = "projects/p-1/locations/europe-west1/keyRings/r/cryptoKeys/k"
VAULT_KEY = "https://bulkhead.vault.azure.net/keys/platform/0123456789abcdef0123456789abcdef"

GOOD = [
    (f"aws:{ARN}", f"aws:{ARN}"),
    (f"aws:{ARN}?region=eu-west-1&endpoint=https://vpce-1.kms.eu-west-1.vpce.amazonaws.com", f"aws:{ARN}"),
    (f"aws:{REPLICATED}?region=eu-north-1", f"aws:{REPLICATED}"),
    ("transit:https://vault.example:8200/transit/platform", "transit:vault.example:8200/transit/platform"),
    ("transit:https://[2001:db8::1]/a/b/c", "transit:[2001:db8::1]/a/b/c"),
    ("transit:https://vault.example/t/k?namespace=team/a", "transit:team/a:vault.example/t/k"),
    ("transit:http://127.0.0.1:8200/transit/platform", "transit:127.0.0.1:8200/transit/platform"),
    ("transit:http://localhost:8200/transit/platform", "transit:localhost:8200/transit/platform"),
    (f"google:{CRYPTO_KEY}", f"google:{CRYPTO_KEY}"),
    (f"google:{CRYPTO_KEY}?endpoint=https://kms.internal.example", f"google:{CRYPTO_KEY}"),
    (f"azure:{VAULT_KEY}", f"azure:{VAULT_KEY}"),
]
BAD = [
    "aws:alias/bulkhead",
    "aws:arn:aws:kms:eu-west-1:111122223333:alias/bulkhead",  # may lead to another key tomorrow
    f"aws:{ARN}?region=eu-west-1&region=eu-west-2",
    f"aws:{ARN}?profile=admin",
    f"aws:{ARN}?endpoint=http://kms.example",
    f"aws:{ARN}?endpoint=https://key:secret@kms.example",
    f"aws:{ARN}\n",
    f"AWS:{ARN}",
    "transit:https://vault.example:8200/platform",
    "transit:https://s.token@vault.example:8200/transit/platform",
    "transit:https://vault.example:8200/transit/platform?token=s.token",
    "transit:https://vault.example:8200/transit//platform",
    "transit:http://vault.example:8200/transit/platform",
    "transit:http://127.0.0.1.example:8200/transit/platform",
    "transit:vault.example:8200/transit/platform",
    f"google:{CRYPTO_KEY}/cryptoKeyVersions/1",
    f"google:{CRYPTO_KEY}?endpoint=http://127.0.0.1:1",
    f"google:/{CRYPTO_KEY}",
    "azure:https://bulkhead.vault.azure.net/keys/platform",  # without a version, the key may change under its name
    f"azure:{VAULT_KEY}?x=1",
    f"azure:{VAULT_KEY.replace('https', 'http')}",
    f"google:projects/{'p' * 250}/locations/l/keyRings/r/cryptoKeys/k",
]


@pytest.mark.parametrize(("url", "key_id"), GOOD)
def test_a_key_service_opens_without_being_asked(url: str, key_id: str) -> None:
    service = open_key_service(url)
    assert service.key_id == key_id
    assert repr(service) == f"<{type(service).__name__}>"


@pytest.mark.parametrize("url", BAD)
def test_other_addresses_are_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"key service|options") as failure:
        open_key_service(url)
    assert url.partition(":")[2].strip() not in str(failure.value)
    assert "token" not in str(failure.value)


def test_only_a_key_of_many_regions_is_asked_elsewhere() -> None:
    with pytest.raises(ValueError, match="multi-Region"):
        open_key_service(f"aws:{ARN}?region=eu-north-1")


@pytest.mark.parametrize("url", [url for url, _ in GOOD])
def test_what_crosses_in_clear_is_known(url: str) -> None:
    assert KeyServiceAddress.parse(url).cleartext == ("http://" in url)


def test_a_missing_client_is_named_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_MODULES", {"transit": "no_such_parent.client"})
    with pytest.raises(ValueError, match=r"install bulkhead\[vault\]"):
        open_key_service("transit:https://vault.example:8200/transit/platform")


def test_no_client_is_imported_before_its_address_is_opened() -> None:
    program = (
        "import sys, secrets_vault; secrets_vault.KeyServiceAddress.parse(sys.argv[1]); "
        "print({'boto3', 'hvac', 'google', 'azure', 'tenacity'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, f"aws:{ARN}"], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
