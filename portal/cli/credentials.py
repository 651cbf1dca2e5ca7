"""The file of access tokens: `credentials.json`, 0600 in a 0700 directory, replaced whole or not at all.

    {"version": 1, "portal": ORIGIN, "portals": {ORIGIN: {"tenant": SLUG, "tokens": {SLUG: {"token", "expires_at"}}}}}

`portal` and `tenant` are the last ones signed in to: what a command means when it names none.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from portal.cli import places
from portal.cli.failures import Code, Failure

FORMAT: Final = 1
NOT_SIGNED_IN: Final = "not signed in: run `bulkhead login`"


@dataclass(frozen=True, slots=True)
class Credential:
    portal: str
    tenant: str
    token: str = field(repr=False)
    expires_at: int  # seconds since the epoch


def path() -> Path:
    return places.directory() / "credentials.json"


def find(portal: str | None, tenant: str | None) -> Credential:
    """Return the credential meant: named, from BULKHEAD_PORTAL and BULKHEAD_TENANT, or the last one signed in to."""
    known = _read()
    named = portal or os.environ.get("BULKHEAD_PORTAL")
    chosen = places.origin(named) if named else known.get("portal", "")
    entry = known["portals"].get(chosen, {})
    slug = tenant or os.environ.get("BULKHEAD_TENANT") or entry.get("tenant", "")
    stored = entry.get("tokens", {}).get(slug)
    if stored is None:
        where = f" to {slug} at {chosen}" if slug and chosen else ""
        raise Failure(Code.NOT_SIGNED_IN, NOT_SIGNED_IN.replace(":", f"{where}:"))
    return Credential(chosen, slug, stored["token"], stored["expires_at"])


def store(credential: Credential) -> None:
    with _changing() as known:
        entry = known["portals"].setdefault(credential.portal, {"tokens": {}})
        entry["tokens"][credential.tenant] = {"token": credential.token, "expires_at": credential.expires_at}
        entry["tenant"] = credential.tenant
        known["portal"] = credential.portal


def forget(credential: Credential) -> None:
    with _changing() as known:
        entry = known["portals"].get(credential.portal, {"tokens": {}})
        entry["tokens"].pop(credential.tenant, None)
        entry["tenant"] = next(iter(entry["tokens"]), "")
        if not entry["tokens"]:
            known["portals"].pop(credential.portal, None)


@contextmanager
def _changing() -> Iterator[dict[str, Any]]:
    """Read the file, and write back what the caller made of it: two logins at once must not lose one another's."""
    directory = path().parent
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    with (directory / "credentials.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = _read()
        yield known
        _write(known)


def _read() -> dict[str, Any]:
    try:
        descriptor = os.open(path(), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return {"version": FORMAT, "portal": "", "portals": {}}
    except OSError as error:
        raise Failure(Code.FAILED, f"{path()} can't be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        _refuse_open_to_others(os.fstat(descriptor))
        return _parse(file.read())


def _parse(content: bytes) -> dict[str, Any]:
    with suppress(ValueError, AttributeError, TypeError, KeyError):
        known = json.loads(content)
        if known.get("version") == FORMAT and isinstance(known["portals"], dict):
            return dict(known)
    raise Failure(Code.FAILED, f"{path()} is damaged: remove it and run `bulkhead login`")


def _refuse_open_to_others(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise Failure(Code.FAILED, f"{path()} belongs to somebody else")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Failure(Code.FAILED, f"{path()} can be read by others: run `chmod 600` on it, then sign in anew")


def _write(known: dict[str, Any]) -> None:
    descriptor, name = tempfile.mkstemp(dir=path().parent, prefix=".credentials-")  # created 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
