"""`certificate verify`: what a customer does with two files, in a process that knows no portal."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from portal.cli.certificate import compare, signed
from tenants import certificates
from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine
from tests.tenants.operations.conftest import destroy, suspend

Document = dict[str, Any]


@pytest.fixture
def offline(tmp_path: Path) -> CommandLine:
    return CommandLine("http://127.0.0.1:1", tmp_path)


@pytest.fixture
def files(household: Household, tmp_path: Path) -> tuple[Path, Path]:
    """The notice and the certificate of a tenant that was destroyed in between."""
    with household.enter() as inside:
        notice = certificates.notice(inside)
    suspend(household.tenant)
    destroy(household.tenant)
    (compact,) = certificates.issued(household.tenant.id).signed.values()
    paths = tmp_path / "notice.json", tmp_path / "destroyed.jws"
    paths[0].write_text(json.dumps(notice))
    paths[1].write_text(compact + "\n")
    return paths


def test_a_certificate_is_verified_offline(
    household: Household, files: tuple[Path, Path], offline: CommandLine
) -> None:
    notice, certificate = (str(path) for path in files)
    done = offline.run("certificate", "verify", "--notice", notice, certificate)
    assert done.returncode == 0, done.stderr
    assert f"Verified: {household.slug} was destroyed" in done.stderr
    told = offline.json("certificate", "verify", "--notice", notice, certificate)
    assert told["verified"] is True
    assert [check["what"] for check in told["checks"]] == ["signature", "tenant", "keys", "audit log", "time"]
    assert told["certificate"]["tenant"]["id"] == str(household.tenant.id)


def test_another_tenants_certificate_fails(files: tuple[Path, Path], offline: CommandLine) -> None:
    notice = json.loads(files[0].read_text())
    notice["tenant"]["id"] = "9b2f6a0e-5d0c-4a53-9f6f-2f1f0f3b7c11"
    files[0].write_text(json.dumps(notice))
    done = offline.run("certificate", "verify", "--json", "--notice", str(files[0]), str(files[1]))
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [check["what"] for check in told["checks"] if not check["holds"]] == ["tenant"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "bulkhead-destruction-notice-1"}', "\xff"])
def test_what_is_no_notice_is_said(content: str, tmp_path: Path, offline: CommandLine) -> None:
    path = tmp_path / "notice.json"
    path.write_text(content, encoding="latin-1")
    done = offline.run("certificate", "verify", "--notice", str(path), str(path))
    assert done.returncode == 1
    assert "notice.json" in done.stderr


KEY = OKPKey.generate_key("Ed25519")
STATEMENT: Document = {
    "format": "bulkhead-destruction-certificate-1",
    "tenant": {"id": "1", "slug": "acme", "schema": "t_1", "name": "Acme"},
    "keys": [{"version": 1, "id": "aa"}, {"version": 2, "id": "bb"}],
    "audit": {"position": 9, "hash": "cc"},
    "destroyed_at": "2026-04-01T00:00:00.000Z",
}
NOTICE: Document = {
    "format": "bulkhead-destruction-notice-1",
    "at": "2026-03-01T00:00:00.000Z",
    "tenant": STATEMENT["tenant"],
    "keys": STATEMENT["keys"][:1],
    "audit": {"position": 7, "hash": "dd"},
    "certificate": {"signing_keys": [KEY.as_dict(private=False)]},
}


def seal(statement: Document, key: OKPKey = KEY, **header: Any) -> str:
    wanted = {"alg": "Ed25519", "typ": "bulkhead-destruction+jws", **header}
    return jws.serialize_compact(wanted, json.dumps(statement), key, algorithms=["Ed25519"])


def failing(notice: Document, statement: Document) -> list[str]:
    return [check.what for check in compare(notice, statement) if not check.holds]


def test_an_honest_pair_holds() -> None:
    assert signed(seal(STATEMENT), NOTICE) == STATEMENT
    assert failing(NOTICE, STATEMENT) == []


@pytest.mark.parametrize(
    ("check", "tamper"),
    [
        ("tenant", lambda statement: statement["tenant"].update(slug="emca")),
        ("tenant", lambda statement: statement["tenant"].update(schema="t_2")),
        ("keys", lambda statement: statement["keys"].pop(0)),
        ("keys", lambda statement: statement["keys"][0].update(id="ee")),
        ("keys", lambda statement: statement["keys"].append({"version": 0, "id": "ee"})),
        ("audit log", lambda statement: statement.update(audit={"position": 6, "hash": "cc"})),
        ("audit log", lambda statement: statement.update(audit={"position": 7, "hash": "cc"})),
        ("time", lambda statement: statement.update(destroyed_at="2026-02-01T00:00:00.000Z")),
    ],
)
def test_each_difference_is_found(check: str, tamper: Callable[[Document], Any]) -> None:
    statement = copy.deepcopy(STATEMENT)
    tamper(statement)
    assert failing(NOTICE, statement) == [check]


def test_only_the_notices_key_counts() -> None:
    other = OKPKey.generate_key("Ed25519")
    assert signed(seal(STATEMENT, other), NOTICE) is None
    # Whoever forges one names the key to believe.
    assert signed(seal(STATEMENT, other, jwk=other.as_dict(private=False), kid=KEY.thumbprint()), NOTICE) is None
    header, _, signature = seal(STATEMENT).split(".")
    changed = seal({**STATEMENT, "rows": {}}).split(".")[1]
    assert signed(f"{header}.{changed}.{signature}", NOTICE) is None


def test_a_signature_made_for_something_else_is_none() -> None:
    assert signed(seal(STATEMENT, typ="JWT"), NOTICE) is None
    assert signed(seal({**STATEMENT, "format": "another"}), NOTICE) is None
    unsigned = "eyJhbGciOiJub25lIn0." + seal(STATEMENT).split(".")[1] + "."
    for junk in (unsigned, "", "a.b.c", seal(STATEMENT)[:-4]):
        assert signed(junk, NOTICE) is None
