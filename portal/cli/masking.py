"""Masks values in what a command prints: exactly, and as common encodings write them. A net, not a wall.

A stream is cut anywhere, so what could still become a value is held back until more comes, and no more than that. What
is found is replaced by `***`, whole, also where two values overlap.

What this can't promise: a value that something else cuts (colours, a line break that is not its own, another process
that writes between), that is reversed, compressed, encrypted, hashed or encoded in a way that `forms` doesn't have;
values, and lines of values, shorter than 4 bytes; what the command writes to files or sends elsewhere.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = b"***"
SHORTEST: Final = 4  # bytes: to mask less would mask half of what is printed

_UNQUOTED: Final = re.compile(r"([^A-Za-z0-9_@%+=:,./-])")  # what bash's %q puts a backslash before
_ACTIVE: Final = re.compile(r'(["\\$`!])')  # what has to be escaped between double quotes
_ESCAPE: Final = re.compile(r"%[0-9A-F]{2}")
_WIDTHS: Final = (64, 76)  # where `openssl base64` and `base64` break lines
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Masker:
    """Masks one stream: `feed` it what arrives, then `flush`."""

    def __init__(self, values: Iterable[str]) -> None:
        self._known: dict[bytes, dict[int, set[bytes]]] = {}  # first bytes → length, longest first → what is masked
        self._beginnings: set[bytes] = set()  # of fewer bytes than SHORTEST
        found = {form for value in values for form in forms(value)}
        for form in sorted(found, key=len, reverse=True):
            self._known.setdefault(form[:SHORTEST], {}).setdefault(len(form), set()).add(form)
            self._beginnings.update(form[:size] for size in range(1, SHORTEST))
        self._waiting = b""
        self._covered = 0  # how many waiting bytes belong to a value whose mask was shown already

    def another(self) -> Masker:
        """Return one for another stream of the same values: what a megabyte of them may look like takes seconds."""
        made = Masker(())
        made._known, made._beginnings = self._known, self._beginnings
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
        for start in [at for at in range(full) if data[at : at + SHORTEST] in self._known]:
            stop = self._match(data, start)
            if not last and self._may_grow(data[start:]):
                return spans, start
            if stop:
                spans.append((start, stop))
        tail = range(max(0, full), len(data))
        return spans, len(data) if last else next((at for at in tail if data[at:] in self._beginnings), len(data))

    def _match(self, data: bytes, start: int) -> int:
        """Return where the longest value that begins at `start` ends; 0 for none."""
        lengths = self._known[data[start : start + SHORTEST]]
        return next((start + size for size, forms in lengths.items() if data[start : start + size] in forms), 0)

    def _may_grow(self, tail: bytes) -> bool:
        """Whether a value begins with all of `tail` and goes on."""
        lengths = self._known[tail[:SHORTEST]]
        longer = (forms for size, forms in lengths.items() if size > len(tail))
        return any(form.startswith(tail) for forms in longer for form in forms)


def forms(value: str) -> Iterator[bytes]:
    """Yield how a value may be printed: itself, line by line, escaped, and encoded; nothing short, no line break."""
    whole = value.strip()
    if len(whole.encode()) < SHORTEST:
        return
    lines = [line.strip() for line in value.splitlines()]
    texts = [text for line in lines if len(line.encode()) >= SHORTEST for text in (line, *_escaped(line))]
    found = [text.encode() for text in (*texts, value, *_escaped(value), *_escaped(whole))]
    for raw in {value.encode(), whole.encode()}:
        found += _encoded(raw)
    yield from {form for form in found if len(form) >= SHORTEST and b"\n" not in form}


def _escaped(text: str) -> Iterator[str]:
    """Yield the text as JSON, Python, HTML, URLs and shells write it, without the quotes around."""
    in_json = json.dumps(text)[1:-1]
    yield from (in_json, json.dumps(text, ensure_ascii=False)[1:-1], in_json.replace("/", "\\/"), repr(text)[1:-1])
    yield from (html.escape(text), html.escape(text, quote=False))
    for escaped in (*(quote(text, safe=safe) for safe in ("", "/", "!*'()")), quote_plus(text)):
        yield from (escaped, _ESCAPE.sub(lambda found: found.group().lower(), escaped))
    in_c = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    yield from (shlex.quote(text).strip("'"), text.replace("'", "'\\''"), in_c)
    yield from (_UNQUOTED.sub(r"\\\1", text), _ACTIVE.sub(r"\\\1", text))


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
