"""What commands print: results on standard output, all else on standard error, nothing that drives a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def clean(text: str) -> str:
    """Replace what could drive a terminal: others' names and messages are printed here (escape codes, C1, bidi)."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
        else "\N{REPLACEMENT CHARACTER}"
        for character in text.replace("\r\n", "\n")
    )


def line(text: str) -> str:
    """Clean what must stay on one line: a name with a line break in it could forge a row."""
    return clean(text).translate({ord("\n"): "\N{REPLACEMENT CHARACTER}", ord("\t"): " "})


def complain(message: str) -> None:
    sys.stderr.write(f"bulkhead: {clean(message)}\n")


def note(message: str) -> None:
    """Tell the person something that is no result."""
    sys.stderr.write(f"{clean(message)}\n")


def result(text: str) -> None:
    """Print the one thing that was asked for, for people and scripts alike."""
    sys.stdout.write(f"{line(text)}\n")


def verbatim(text: str) -> None:
    """Print others' text: piped, it arrives byte for byte; a terminal must not be driven by it."""
    sys.stdout.write(clean(text).removesuffix("\n") + "\n" if sys.stdout.isatty() else text)


def as_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """Print `rows` under `columns` (heading → key); on standard error say so when there are none."""
    if not rows:
        note(empty)
        return
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        grid.add_column(heading, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(line(_cell(row.get(key)))) for key in columns.values()))
    # Piped, a line must stay a line however long it is.
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000).print(grid)


def listing(
    items: Sequence[dict[str, Any]],
    columns: Mapping[str, str],
    *,
    empty: str,
    raw: bool,
    shown: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> None:
    """Print what the portal lists: `raw`, as JSON, or as a table of what `shown` makes of each item."""
    if raw:
        as_json(items)
    else:
        table(columns, [shown(item) for item in items], empty=empty)


def done(words: str, answer: object, *, raw: bool) -> None:
    """Say what was done and, if `raw`, print the portal's answer as JSON."""
    note(words)
    if raw:
        as_json(answer)


def audience(made: Mapping[str, Any]) -> None:
    """Tell the person which repositories' builds get what was made or changed, and what the portal warns of."""
    note(f"{made['name']} is for {filters(made['filters'])}.")
    if made["warning"]:
        note(f"Note: {made['warning']}")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def with_filters(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "for": filters(item["filters"])}


def labels(values: Iterable[Mapping[str, str]]) -> str:
    return ", ".join(f"{label['name']}={label['value']}" for label in values)


def filters(alternatives: Sequence[Iterable[Mapping[str, str]]]) -> str:
    return " or ".join(labels(group) for group in alternatives) or "every repository"
