"""What a reader finds: entries and refusals, each with its line; a name that comes twice is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MAX_ENTRIES: Final = 500
MAX_REFUSED: Final = 50

_SOUND: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class Format(StrEnum):
    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    line: int  # from 1
    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    line: int
    name: str  # empty unless it is a sound name
    complaint: str


class EnoughError(Exception):
    """There is no need to read on."""


class Entries:
    """Ends the reading where a person would stop: no file makes a long list of complaints."""

    def __init__(self) -> None:
        self.taken: dict[str, Entry] = {}
        self.refused: list[Refusal] = []

    def take(self, line: int, name: str, value: str) -> None:
        if not _SOUND.fullmatch(name):
            self.refuse(line, name, "Use letters, digits and underscores for a name, not beginning with a digit.")
        elif name in self.taken:
            self.refuse(line, name, f"This name comes twice: it is on line {self.taken[name].line} already.")
        else:
            self.taken[name] = Entry(line, name, value)
        if len(self.taken) > MAX_ENTRIES:
            raise EnoughError

    def refuse(self, line: int, name: str, complaint: str) -> None:
        self.refused.append(Refusal(line, name if _SOUND.fullmatch(name) else "", complaint))
        if len(self.refused) >= MAX_REFUSED:
            raise EnoughError
