"""Reads request bodies: JSON objects alone, bounded in depth and breadth, one value for one name."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny

from portal.api.errors import Refusal

MAX_DEPTH: Final = 8  # the deepest schema, label filters, is 4
MAX_NODES: Final = 2_000


def announced_size(request: HttpRequest) -> int:
    """Return the Content-Length; without a sound one, Django reads no body at all."""
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() else 0


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> DictStrAny:
        if request.content_type != "application/json":
            raise Refusal(415, "Send the body as application/json.")
        return parsed(request.body)


def parsed(body: bytes) -> DictStrAny:
    """Return the object that a body is. Raises a 400 Refusal for anything else."""
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON, or one of its objects names a field twice.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "The body must be a JSON object.")
    check_shape(value)
    return value


def check_shape(value: object) -> None:
    """Refuse more than MAX_DEPTH levels or MAX_NODES values, level by level, so that depth costs no stack."""
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        level = [child for parent in level for child in _children(parent)]
        if not level:
            break
    if level or nodes > MAX_NODES:
        raise Refusal(400, f"The body may hold {MAX_NODES} values in {MAX_DEPTH} levels.")


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError
