"""A build that one process starts, with a person's credential, and another one runs, with no more than the build's own.

    {"type": "bulkhead.build.handover/1", "portal": ORIGIN, "token": TEXT, "expires_at": seconds, "event": start event}

Whoever reads it has the build: its values, its SSH keys and its end, for as long as it runs, and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from portal.cli import places
from portal.cli.credentials import Credential
from portal.cli.failures import Code, Failure

TYPE: Final = "bulkhead.build.handover/1"
_EVENT: Final = ("type", "tenant", "build", "repository", "enc", "environment")  # what has to be a text in it


def write(credential: Credential, event: Mapping[str, Any], output: Path | None, heed: Callable[[], None]) -> None:
    """Write to a new file for this user alone, or to standard output, and at last `heed`. Raises Failure.

    Where any of it raises, no file stays: half of one is of no use, and the next start would refuse to write over it.
    """
    parts = {"type": TYPE, "portal": credential.portal, "token": credential.token, "expires_at": credential.expires_at}
    text = json.dumps({**parts, "event": event}) + "\n"
    try:
        if output is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            heed()
        else:
            _write(output, text, heed)
    except OSError as error:
        raise Failure(Code.FAILED, f"the build can't be handed over: {error.strerror}") from None


def _write(output: Path, text: str, heed: Callable[[], None]) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        heed()
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def read(source: str) -> tuple[Credential, dict[str, Any]]:
    """Return the build's own credential and its start event, from a file or from standard input (`-`)."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        return _parsed(json.loads(text))
    except OSError as error:
        raise Failure(Code.FAILED, f"{source} can't be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise Failure(Code.FAILED, f"{source} is not what `bulkhead build start` writes") from None


def _parsed(content: dict[str, Any]) -> tuple[Credential, dict[str, Any]]:
    """Raises ValueError, LookupError and TypeError for another form."""
    event = dict(content["event"])
    texts = [content["portal"], content["token"], *(event[name] for name in _EVENT)]
    if content["type"] != TYPE or not all(isinstance(text, str) for text in texts):
        raise ValueError
    event["build"] = str(UUID(event["build"]))  # it becomes part of addresses
    portal, tenant = places.origin(content["portal"]), places.slug(event["tenant"])
    return Credential(portal, tenant, content["token"], int(content["expires_at"])), event
