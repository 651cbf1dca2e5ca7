"""`certificate`: verify, with no server, that a tenant was destroyed, against the notice kept from before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from portal.cli import output
from portal.cli.failures import Code, Failure
from portal.cli.options import Json

MAX_FILE: Final = 1024 * 1024  # bytes
NOTICE: Final = "bulkhead-destruction-notice-1"
CERTIFICATE: Final = "bulkhead-destruction-certificate-1"
TYPE: Final = "bulkhead-destruction+jws"
ALGORITHMS: Final = ("Ed25519",)  # RFC 9864

app = typer.Typer(help="Certificates of destruction.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `verify` a command of its own: typer makes a single one the whole group."""


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    holds: bool
    because: str


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE.jws", help="From the portal, afterwards.")],
    notice: Annotated[Path, typer.Option(metavar="NOTICE.json", help="From the tenant's pages, before.")],
    as_json: Json = False,
) -> None:
    """Check that CERTIFICATE states the end of the tenant that NOTICE is of. Exit code 0: it does; 1: it does not."""
    known = _notice(notice)
    statement = signed(_text(certificate).strip(), known)
    checks = list(compare(known, statement)) if statement else []
    checks.insert(0, Check("signature", statement is not None, "by a key that the notice names"))
    verified = all(check.holds for check in checks)
    if as_json:
        output.as_json({"verified": verified, "checks": [asdict(check) for check in checks], "certificate": statement})
    else:
        _print(checks, statement, verified=verified)
    raise typer.Exit(Code.OK if verified else Code.FAILED)


def signed(compact: str, notice: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was signed by a key of the notice, whatever key the certificate itself names; None if nothing was."""
    from portal.cli import jose  # noqa: PLC0415 - see there

    for jwk in notice["certificate"]["signing_keys"]:
        try:
            header, statement = jose.verified(compact, jwk, ALGORITHMS)
        except (ValueError, TypeError):
            continue
        if header.get("typ") == TYPE and statement.get("format") == CERTIFICATE:
            return dict(statement)
    return None


def compare(notice: dict[str, Any], statement: dict[str, Any]) -> Iterator[Check]:
    """Hold the statement against the notice, point by point. Raises Failure where either lacks something."""
    try:
        before, after = notice["tenant"], statement["tenant"]
        same = all(before[part] == after[part] for part in ("id", "slug", "schema"))
        yield Check("tenant", same, f"{after['slug']}, {after['id']}")
        yield _keys(notice["keys"], statement["keys"])
        yield _audit(notice["audit"], statement["audit"])
        later = datetime.fromisoformat(statement["destroyed_at"]) >= datetime.fromisoformat(notice["at"])
        yield Check("time", later, f"destroyed at {statement['destroyed_at']}, notice of {notice['at']}")
    except (KeyError, TypeError, ValueError):
        raise Failure(Code.FAILED, "the notice or the certificate lacks something: download it again") from None


def _keys(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Check:
    """Each key of the notice must have been deleted; others that were are later versions of it.

    An id that the portal had not kept yet when the notice was made says nothing; every other must be the same.
    """
    known = {key["version"]: key["id"] for key in before}
    deleted = {key["version"]: key["id"] for key in after}
    same = all(version in deleted and name in {None, deleted[version]} for version, name in known.items())
    later = all(version > max(known) for version in deleted.keys() - known.keys())
    versions = ", ".join(str(version) for version in sorted(deleted))
    named = any(known.values())
    return Check("keys", named and same and later, f"versions deleted: {versions}")


def _audit(before: dict[str, Any], after: dict[str, Any]) -> Check:
    same = after["position"] > before["position"] or after == before
    return Check("audit log", same, f"ended at entry {after['position']}, noticed at {before['position']}")


def _print(checks: list[Check], statement: dict[str, Any] | None, *, verified: bool) -> None:
    rows = [{**asdict(check), "holds": "holds" if check.holds else "FAILS"} for check in checks]
    output.table({"Check": "what", "Result": "holds", "Because": "because"}, rows, empty="")
    if verified and statement:
        output.note(f"Verified: {statement['tenant']['slug']} was destroyed at {statement['destroyed_at']}.")
    else:
        output.complain("not verified: this certificate does not state the end of the notice's tenant")


def _notice(path: Path) -> dict[str, Any]:
    try:
        notice = json.loads(_text(path))
        if notice["format"] == NOTICE and isinstance(notice["certificate"]["signing_keys"], list):
            return dict(notice)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise Failure(Code.FAILED, f"{path} is no notice of this format: download it from the tenant's pages")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode()
    except OSError as error:
        raise Failure(Code.FAILED, f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        raise Failure(Code.FAILED, f"{path} is no text") from None
