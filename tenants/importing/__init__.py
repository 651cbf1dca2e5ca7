"""Files of names and values: `.env`, JSON and YAML, read line by line so that what is refused can be pointed at.

Values are taken as they are written: nothing is expanded, looked up or converted. What a complaint repeats of the file
is at most a sound name: a line that is none may be a piece of a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from tenants.errors import Invalid
from tenants.importing import dotenv, json, yaml
from tenants.importing.entries import MAX_ENTRIES, EnoughError, Entries, Entry, Format, Refusal

__all__ = ["MAX_BYTES", "Entry", "Format", "Refusal", "parse"]

MAX_BYTES: Final = 512 * 1024

_READERS: Final[Mapping[Format, Callable[[str, Entries], None]]] = {
    Format.DOTENV: dotenv.read,
    Format.JSON: json.read,
    Format.YAML: yaml.read,
}


def parse(text: str, form: Format) -> tuple[list[Entry], list[Refusal]]:
    """Return what can be taken and what can't, both in the order of lines.

    After 50 refusals it reads no further. Raises Invalid({"content": …}) for a text that is too long, or that holds
    nothing at all or far more than any set.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise Invalid({"content": f"Send at most {MAX_BYTES // 1024} KiB."})
    entries = Entries()
    with suppress(EnoughError):
        _READERS[form](text.removeprefix("\ufeff").replace("\r\n", "\n"), entries)
    if len(entries.taken) > MAX_ENTRIES:
        raise Invalid({"content": f"Send at most {MAX_ENTRIES} names and values."})
    if not entries.taken and not entries.refused:
        raise Invalid({"content": "There is no name and value in it."})
    return list(entries.taken.values()), entries.refused
