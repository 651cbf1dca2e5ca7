"""Requests and answers of the sandbox, free of sockets."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case

    @property
    def bearer(self) -> str:
        """The access token of the Authorization header (RFC 6750, section 2.1); GitHub also says `token`."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in {"bearer", "token"} else ""

    @property
    def basic(self) -> tuple[str, str] | None:
        """User name and password of HTTP basic authentication (RFC 7617)."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name, password


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), "application/json; charset=utf-8", named)


def as_form(value: Mapping[str, str]) -> Answer:
    return Answer(200, urlencode(value).encode(), "application/x-www-form-urlencoded; charset=utf-8")


def redirect(url: str, **parameters: str) -> Answer:
    """Send the browser to `url` with the given parameters added to its query; those that are empty are left out."""
    parts = urlsplit(url)
    added = [(name, value) for name, value in parameters.items() if value]
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True) + added)
    return Answer(302, headers={"Location": urlunsplit(parts._replace(query=query))})
