"""Names and values as files that read back as exactly the same: `.env`, JSON and YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_ESCAPED: Final = re.compile(r'[\\"$`]')


class Format(StrEnum):
    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"


def written(values: Mapping[str, str], form: Format) -> str:
    """Return the file's text, in the order of the names, with a final newline if there is anything in it."""
    ordered = dict(sorted(values.items()))
    if form is Format.JSON:
        return json.dumps(ordered, indent=2, ensure_ascii=False) + "\n"
    if form is Format.YAML:
        return _yaml(ordered)
    return "".join(f"{name}={_quoted(value)}\n" for name, value in ordered.items())


def _quoted(value: str) -> str:
    r"""Quote so that shells, Docker Compose and dotenv libraries agree, wherever they can.

    Single quotes take everything as it stands, except themselves. A carriage return is written `\r`, because whoever
    reads a file may take one for the end of a line.
    """
    if _BARE.fullmatch(value):
        return value
    if not {"'", "\r"} & set(value):
        return f"'{value}'"
    return '"' + _ESCAPED.sub(r"\\\g<0>", value).replace("\r", "\\r") + '"'


def _yaml(values: Mapping[str, str]) -> str:
    import yaml  # noqa: PLC0415 - most commands never need it, and starting fast matters

    # All but ASCII is escaped: the library writes some line breaks of Unicode so that they read back as spaces.
    return str(yaml.safe_dump(values, sort_keys=False, width=2**20)) if values else "{}\n"
