"""Masks values in what a command prints: exactly, and as common encodings write them. A net, not a wall.

A stream is cut anywhere, so what could still become a value is held back until more comes, and no more than that. What
is found is replaced by `***`, whole, also where two values overlap.

What this can't promise: a value that something else cuts (colours, a line break that is not its own, another process
that writes between), that is reversed, compressed, encrypted, hashed or encoded in a way that isn't here; values,
and lines of values, shorter than 4 bytes; what the command writes to files or sends elsewhere.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = b"***"
SHORTEST: Final = 4  # bytes: to mask less would mask half of what is printed

_UNQUOTED: Final = re.compile(r"[^A-Za-z0-9_@%+=:,./-]")  # what bash's %q puts a backslash before
_ACTIVE: Final = re.compile(r'["\\$`!]')  # what has to be escaped between double quotes
_NEVER_ESCAPED: Final = re.compile(r"[A-Za-z0-9_.-]{4}")
_WIDTHS: Final = (64, 76)  # where `openssl base64` and `base64` break lines
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Masker:
    """Masks one stream: `feed` it what arrives, then `flush`."""

    def __init__(self, values: Iterable[str]) -> None:
        self._known = _Known(values)
        self._waiting = b""
        self._covered = 0  # how many waiting bytes belong to a value whose mask was shown already

    def another(self) -> Masker:
        """Return one for another stream of the same values, which are prepared once."""
        made = Masker(())
        made._known = self._known
        return made

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown by now."""
        self._waiting += data
        return self._show(last=False)

    def flush(self) -> bytes:
        """Return what was held back: nothing more comes."""
        return self._show(last=True)

    def _show(self, *, last: bool) -> bytes:
        data, shown, done = self._waiting, [], self._covered
        spans, held = self._scan(data, last=last)
        for start, stop in spans:
            if start >= done:
                shown += [data[done:start], MASK]
            done = max(done, stop)
        shown.append(data[done:held])
        self._waiting, self._covered = data[held:], max(0, done - held)
        return b"".join(shown)

    def _scan(self, data: bytes, *, last: bool) -> tuple[list[tuple[int, int]], int]:
        """Return where values stand, by their beginnings, and from where on what comes next has to be awaited."""
        spans: list[tuple[int, int]] = []
        full = len(data) - SHORTEST + 1
        for start in [at for at in range(full) if data[at : at + SHORTEST] in self._known.sources]:
            known = self._known.beginning(data[start : start + SHORTEST])
            stop = next((start + size for size, forms in known.items() if data[start : start + size] in forms), 0)
            if not last and _may_grow(data[start:], known):
                return spans, start
            if stop:
                spans.append((start, stop))
        tail = range(max(0, full), len(data))
        held = next((at for at in tail if data[at:] in self._known.beginnings), len(data))
        return spans, len(data) if last else held


_Forms = dict[int, set[bytes]]  # by their length, longest first


class _Known:
    """What is masked, by its first bytes. How a text may be escaped is only made when something printed begins so.

    A few megabytes have millions of forms: to make all of them would take seconds before the command starts.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self.sources: dict[bytes, set[str | bytes]] = {}  # first bytes → texts of which a form begins so; and forms
        for value in values:
            for text in texts(value):
                for first in _firsts(text):
                    self.sources.setdefault(first, set()).add(text)
            for form in encodings(value):
                self.sources.setdefault(form[:SHORTEST], set()).add(form)
        self.beginnings: set[bytes] = set()  # of fewer bytes than SHORTEST
        longer: Iterable[bytes] = self.sources
        for size in range(SHORTEST - 1, 0, -1):
            longer = {each[:size] for each in longer}
            self.beginnings |= longer
        self._made: dict[bytes, _Forms] = {}

    def beginning(self, first: bytes) -> _Forms:
        """Return the forms that begin with these `SHORTEST` bytes."""
        if first not in self._made:  # two threads that come at once make the same
            made: _Forms = {}
            for form in sorted(self._beginning(first), key=len, reverse=True):
                made.setdefault(len(form), set()).add(form)
            self._made[first] = made
        return self._made[first]

    def _beginning(self, first: bytes) -> set[bytes]:
        found = ({source} if isinstance(source, bytes) else written(source) for source in self.sources[first])
        return {form for forms in found for form in forms if form.startswith(first)}


def _may_grow(tail: bytes, known: _Forms) -> bool:
    """Whether a value begins with all of `tail` and goes on."""
    return any(form.startswith(tail) for size, forms in known.items() if size > len(tail) for form in forms)


def texts(value: str) -> set[str]:
    """Return what is masked as it stands and escaped: the value, with and without white space around it, and lines."""
    found = {value, value.strip(), *(line.strip() for line in value.splitlines())}
    return {text for text in found if len(text.strip().encode()) >= SHORTEST}


def written(text: str) -> set[bytes]:
    """Return a text as it stands and as it may be escaped, where that leaves no line break in it."""
    return {form.encode() for form in (text, *_escaped(text)) if "\n" not in form}


def _firsts(text: str) -> set[bytes]:
    """Return how the text's forms begin, without making them: by its beginning, and by what decides on their quotes."""
    probe = text[:SHORTEST] + "".join(mark for mark in "\n'\"" if mark in text)
    return {probe.encode()} if _NEVER_ESCAPED.fullmatch(probe) else {form[:SHORTEST] for form in written(probe)}


def encodings(value: str) -> set[bytes]:
    """Return the value as base64 and as hex; what is too short for its first bytes to tell it apart is left out."""
    whole = value.strip()
    if len(whole.encode()) < SHORTEST:
        return set()
    found = {form for text in {value, whole} for form in _encoded(text.encode())}
    return {form for form in found if len(form) >= SHORTEST}


def _escaped(text: str) -> Iterator[str]:
    """Yield the text as JSON, Python, HTML, URLs and shells write it, without the quotes around."""
    in_json = json.dumps(text)[1:-1]
    yield from (in_json, json.dumps(text, ensure_ascii=False)[1:-1], in_json.replace("/", "\\/"), repr(text)[1:-1])
    yield from (html.escape(text), html.escape(text, quote=False))
    octets = text.encode().decode("latin-1")  # each byte as one character
    yield from (octets.translate(table) for table in _urls())
    in_c = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    yield from (shlex.quote(text).strip("'"), text.replace("'", "'\\''"), in_c)
    # A function: with a template the library would expand it each time, five times as slowly.
    yield from (marks.sub(lambda found: f"\\{found[0]}", text) for marks in (_UNQUOTED, _ACTIVE))


@cache
def _urls() -> list[list[str]]:
    """Return what URLs and forms have for each byte, in upper case and in lower."""
    tables = [[quote(bytes([octet]), safe=safe) for octet in range(256)] for safe in ("", "/", "!*'()")]
    tables.append([quote_plus(bytes([octet])) for octet in range(256)])
    return [*tables, *([each.lower() if len(each) > 1 else each for each in table] for table in tables)]


def _encoded(raw: bytes) -> Iterator[bytes]:
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for text in _base64(raw):
        yield from (text, text.translate(_URL_SAFE))


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield base64 wherever the value may stand in what was encoded: the letters that are the value's own alone."""
    for before in range(3):
        letters = b64encode(bytes(before) + raw)
        own = letters[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]
        yield own
        if not before:
            yield letters  # with its padding
            for width in _WIDTHS:
                yield from (own[at : at + width] for at in range(0, len(own), width) if len(own) > width)
