"""One request, as it goes over the wire again and again, and asked once to see that the answer is right."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.demo.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Request:
    port: int
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def wire(self) -> str:
        """Return the request as text, each character a byte."""
        given = {"Host": f"{LOOPBACK}:{self.port}", "Accept": "*/*", **self.headers}
        if self.body:
            given["Content-Length"] = str(len(self.body))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        return "\r\n".join([*lines, "", self.body])

    def once(self) -> Any:
        """Ask, and return the answer's JSON. Raises RuntimeError for anything but 200."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            connection.request(self.method, self.path, self.body or None, dict(self.headers))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{self.path}: {answer.status} {text[:500]!r}")
        return json.loads(text)
