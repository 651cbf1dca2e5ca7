"""What may be stored, decided in one place for every door; each complaint names the field and what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from tenants.errors import Invalid
from tenants.records.labels import Filters, Pair

MAX_LABELS: Final = 32
MAX_ALTERNATIVES: Final = 16
MAX_VALUE_BYTES: Final = 64 * 1024
MAX_JSON_BYTES: Final = 512 * 1024
MAX_JSON_DEPTH: Final = 32
MAX_JSON_NODES: Final = 10_000

RESERVED_SLUGS: Final = frozenset({"new", "api", "admin", "static", "docs", "health", "bulkhead"})

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}")
_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9._/@:+-]{0,128}")
# A string ends at its quote or at the end of the text, and is never tried again (`*+`): the scan is linear.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def title(value: str, field: str = "name", *, longest: int = 100) -> str:
    """Return a line of text for people, trimmed."""
    value = value.strip()
    if not value or len(value) > longest or _CONTROL.search(value):
        raise Invalid({field: f"Enter 1 to {longest} characters on one line."})
    return value


def title_or_nothing(value: str, field: str, *, longest: int = 200) -> str:
    """Return a line of text for people, trimmed; it may be empty."""
    return title(value, field, longest=longest) if value.strip() else ""


def remark(value: str, field: str = "description", *, longest: int = 500) -> str:
    """Return text that may be empty, trimmed."""
    value = value.strip()
    if len(value) > longest or _CONTROL.search(value.replace("\r", "").replace("\n", "")):
        raise Invalid({field: f"Enter at most {longest} characters."})
    return value


def name(value: str, field: str = "name") -> str:
    """Return a name that can stand in an address: HTTP clients would fold `.` and `..` segments away."""
    value = value.strip()
    if not _NAME.fullmatch(value) or {"", ".", ".."} & set(value.split("/")):
        raise Invalid({field: "Begin with a letter or digit; then letters, digits, spaces and . _ / - up to 100."})
    return value


def slug(value: str, field: str = "slug") -> str:
    value = value.strip()
    if not 3 <= len(value) <= 40 or not _SLUG.fullmatch(value) or value in RESERVED_SLUGS:  # noqa: PLR2004
        raise Invalid({field: "Use 3 to 40 lower-case letters, digits and single hyphens, beginning with a letter."})
    return value


def variable(value: str, field: str = "name") -> str:
    """Return the name of an environment variable (POSIX: letters, digits and underscore)."""
    value = value.strip()
    if not _VARIABLE.fullmatch(value):
        raise Invalid({field: "Use letters, digits and underscores, not beginning with a digit, up to 100."})
    return value


def parameter_value(value: str, field: str = "value") -> bytes:
    raw = _utf8(value, field)
    if len(raw) > MAX_VALUE_BYTES:
        raise Invalid({field: f"Enter at most {MAX_VALUE_BYTES // 1024} KiB."})
    if b"\x00" in raw:
        raise Invalid({field: "An environment variable can't hold a NUL character: take it out."})
    return raw


def repository_url(value: str, field: str = "url") -> str:
    """Return an address to show; it is never fetched, and only ever linked to when it is https."""
    value = value.strip()
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"https", "ssh"} and bool(parts.hostname) and parts.password is None
    except ValueError:
        good = False
    if not good or len(value) > 500 or _CONTROL.search(value) or " " in value:  # noqa: PLR2004
        raise Invalid({field: "Enter an https:// or ssh:// address without a password, up to 500 characters."})
    return value


def labels(values: Sequence[Pair], field: str = "labels") -> list[Pair]:
    if len(values) > MAX_LABELS:
        raise Invalid({field: f"Use at most {MAX_LABELS} labels."})
    for label, value in values:
        if not _LABEL_NAME.fullmatch(label):
            raise Invalid({field: f"“{label[:64]}” is no label name: use letters, digits and . _ / - up to 63."})
        if not _LABEL_VALUE.fullmatch(value):
            raise Invalid({field: f"The value of “{label}” may hold letters, digits and . _ / @ : + - up to 128."})
    return list(values)


def filters(values: Sequence[Sequence[Pair]], field: str = "filters") -> Filters:
    if len(values) > MAX_ALTERNATIVES:
        raise Invalid({field: f"Use at most {MAX_ALTERNATIVES} alternatives."})
    if any(not alternative for alternative in values):
        raise Invalid({field: "Each alternative needs at least one label; leave all out to match every repository."})
    return [labels(alternative, field) for alternative in values]


def json_payload(text: str, field: str = "payload") -> bytes:
    """Return the JSON text as UTF-8, checked for size, syntax (RFC 8259), depth and number of nodes."""
    raw = _utf8(text, field)
    if not raw or len(raw) > MAX_JSON_BYTES:
        raise Invalid({field: f"Enter JSON of 1 byte to {MAX_JSON_BYTES // 1024} KiB."})
    # Nesting is bounded before parsing: the parser itself recurses.
    if _depth(text) > MAX_JSON_DEPTH:
        raise Invalid({field: f"Nest at most {MAX_JSON_DEPTH} levels deep."})
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid({field: f"This is not JSON{where}."}) from None
    if _nodes(value) > MAX_JSON_NODES:
        raise Invalid({field: f"Use at most {MAX_JSON_NODES:,} values."})
    return raw


def _utf8(text: str, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Invalid({field: "Use Unicode text without lone surrogates."}) from None


def _refuse_constant(constant: str) -> Any:
    raise ValueError(constant)  # NaN and Infinity are JavaScript's, not JSON's


def _depth(text: str) -> int:
    deepest = depth = 0
    for mark in _STRING_OR_BRACKET.findall(text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _nodes(value: Any) -> int:
    total, waiting = 0, [value]
    while waiting:
        node = waiting.pop()
        total += 1
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return total
