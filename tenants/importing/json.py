"""JSON files: one object of names and texts. Numbers, `true` and `false` are taken as they are written."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from tenants.importing.entries import Entries

_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_WHOLE: Final = "The file must be one JSON object: {“NAME”: “value”, …}."
_BROKEN: Final = "This can't be read as JSON from here on."


class _BrokenError(Exception):
    pass


def _no_constant(_name: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are JavaScript's, not JSON's


# Numbers stay texts, so that 1.10 is no 1.1.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)


class _Reader:
    """Walks the members of the outermost object, so that each has its line; the library reads names and values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = self.line_at = 0
        self.line = 1

    def next(self) -> str:
        """Skip white space; return the character that follows, or nothing at the end, and note its line."""
        space = _SPACE.match(self.text, self.position)
        self.position = space.end() if space else self.position
        self.line += self.text.count("\n", self.line_at, self.position)
        self.line_at = self.position
        return self.text[self.position : self.position + 1]

    def expect(self, *marks: str) -> str:
        mark = self.next()
        if mark not in marks or not mark:
            raise _BrokenError
        self.position += 1
        return mark

    def value(self) -> Any:
        self.next()
        try:
            value, self.position = _DECODER.raw_decode(self.text, self.position)
        except (ValueError, RecursionError):
            raise _BrokenError from None
        return value


def read(text: str, entries: Entries) -> None:
    reader = _Reader(text)
    if reader.next() != "{":
        entries.refuse(reader.line, "", _WHOLE)
        return
    try:
        _members(reader, entries)
    except _BrokenError:
        entries.refuse(reader.line, "", _BROKEN)


def _members(reader: _Reader, entries: Entries) -> None:
    mark = reader.expect("{")
    while mark != "}":
        if mark == "{" and reader.next() == "}":
            reader.expect("}")
            break
        if reader.next() != '"':
            raise _BrokenError
        line = reader.line
        name = reader.value()
        reader.expect(":")
        _member(line, name, reader.value(), entries)
        mark = reader.expect(",", "}")
    if reader.next():
        raise _BrokenError


def _member(line: int, name: str, value: Any, entries: Entries) -> None:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, str):
        entries.take(line, name, value)
    elif value is None:
        entries.refuse(line, name, 'There is no value: write "" for an empty one.')
    else:
        entries.refuse(line, name, "A value is a text: no object and no list.")
