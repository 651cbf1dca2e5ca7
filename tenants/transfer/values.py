"""Values from an untrusted JSON object: each is taken once, by name, type and bound, and nothing may be left over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from tenants import validation
from tenants.errors import Invalid
from tenants.transfer.errors import BadArchive

_UID: Final = re.compile(r"[A-Za-z0-9{}._:-]{1,64}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_HEXADECIMAL: Final = re.compile(r"([0-9a-f]{2})+")
_MAXIMUM: Final = 2**63 - 1


class Reader:
    """One JSON object of `part`. Every method raises BadArchive, naming the value at fault."""

    def __init__(self, value: Any, part: str) -> None:
        if not isinstance(value, dict):
            raise BadArchive(part, "it is not the JSON of this format")
        self._left, self._part = value, part

    def text(self, name: str, longest: int) -> str:
        """Return one line of text."""
        value = self._take(name)
        if not isinstance(value, str):
            raise self._bad(name)
        try:
            value.encode()  # lone surrogates
            if validation.title(value, name, longest=longest) != value:
                raise self._bad(name)
        except (Invalid, UnicodeEncodeError):
            raise self._bad(name) from None
        return value

    def integer(self, name: str) -> int:
        value = self._take(name)
        if type(value) is not int or not 0 <= value <= _MAXIMUM:
            raise self._bad(name)
        return value

    def uuid(self, name: str) -> str:
        value = self.text(name, 36)
        try:
            canonical = str(UUID(value)) == value
        except ValueError:
            canonical = False
        if not canonical:
            raise self._bad(name)
        return value

    def digest(self, name: str) -> str:
        return self._matching(name, _DIGEST, 64)

    def uid(self, name: str) -> str:
        return self._matching(name, _UID, 64)

    def hexadecimal(self, name: str, longest: int) -> str:
        return self._matching(name, _HEXADECIMAL, longest)

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        value = self.text(name, 64)
        if value not in choices:
            raise self._bad(name)
        return value

    def objects(self, name: str, most: int) -> list[Reader]:
        value = self._take(name)
        if not isinstance(value, list) or len(value) > most:
            raise self._bad(name)
        return [Reader(each, f"{self._part}, {name}") for each in value]

    def end(self, *, texts: str | None = None) -> tuple[str, ...]:
        """Refuse what nobody asked for; `texts` names a list of lines to take before that."""
        taken: Any = self._take(texts) if texts else []
        if not isinstance(taken, list) or len(taken) > 200 or not all(isinstance(each, str) for each in taken):  # noqa: PLR2004 - more columns than any table has
            raise self._bad(str(texts))
        if self._left:
            raise BadArchive(self._part, f"{ascii(min(self._left))[:80]} is no part of this format")
        return tuple(taken)

    def _matching(self, name: str, form: re.Pattern[str], longest: int) -> str:
        value = self.text(name, longest)
        if not form.fullmatch(value):
            raise self._bad(name)
        return value

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise BadArchive(self._part, f"{name} is missing")
        return self._left.pop(name)

    def _bad(self, name: str) -> BadArchive:
        return BadArchive(self._part, f"{name} is not what this format has there")
