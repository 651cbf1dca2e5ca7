"""Labels and filters as people type them: `os=linux`, and `os=linux, team=core` for a build that has both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from portal.cli.failures import Code, Failure

Label = dict[str, str]  # {"name", "value"}, as the API has it
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", metavar="NAME=VALUE, …", help="Repositories with all of these labels. Repeatable: any of them."
    ),
]
Everyone = Annotated[bool, typer.Option("--every-repository", help="Builds of every repository get it.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="A label, for example os=linux. Repeatable.")
]


def chosen(filters: Iterable[str] | None, *, everyone: bool) -> list[list[Label]]:
    """Return the filters, none for every repository. Raises Failure for neither, and for both."""
    if bool(filters) == everyone:
        raise Failure(Code.USAGE, "say whose builds get it: either --filter NAME=VALUE or --every-repository")
    return alternatives(filters or [])


def alternatives(filters: Iterable[str]) -> list[list[Label]]:
    return [[label(part) for part in alternative.split(",")] for alternative in filters]


def label(text: str) -> Label:
    """Read `name=value`. Raises Failure; the portal judges the name and the value themselves."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise Failure(Code.USAGE, f"write a label as name=value, for example os=linux, not {text.strip() or 'nothing'}")
    return {"name": name.strip(), "value": value.strip()}
