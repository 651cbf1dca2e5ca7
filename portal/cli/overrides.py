"""What whoever starts a build says of it: a revision, parameters of its own, and when it ends at last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from portal.cli.failures import Code, Failure

Revision = Annotated[str, typer.Option(metavar="TEXT", help="What is built: a commit, a branch, a tag.")]
Override = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE|NAME=@FILE",
        help="Give this build a parameter of its own, which overrides a stored one. An argument can be seen in the "
        "process list: let a secret come from a file. Repeatable.",
    ),
]
TimeToLive = Annotated[
    int,
    typer.Option("--ttl", metavar="SECONDS", min=60, max=86_400, help="When the portal ends the build at last."),
]


def read(given: Iterable[str]) -> dict[str, str]:
    """Return value by name. Raises Failure for another form, a name that comes twice, and a file that is no text."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in found:
            raise Failure(Code.USAGE, f"write --override NAME=VALUE or NAME=@FILE, each name once ({name})")
        found[name] = _content(Path(value[1:])) if value.startswith("@") else value
    return found


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise Failure(Code.FAILED, f"{path} can't be read as UTF-8 text") from None
