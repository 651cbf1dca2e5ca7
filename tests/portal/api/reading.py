"""The application that reads by the short way, asked without a server; and Django's, to compare with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final
from wsgiref.types import StartResponse

from django.core.handlers.wsgi import WSGIHandler
from django.urls import clear_script_prefix
from joserfc import jwe
from joserfc.jwk import OKPKey

from portal.api.readings import Application
from tests.portal.api.conftest import Caller

KEY: Final = OKPKey.generate_key("X25519")


@dataclass(frozen=True)
class Answer:
    status: str
    headers: dict[str, str]
    content: bytes

    def compared(self) -> tuple[Any, ...]:
        """Return what has to be equal: all but what is new in each answer, and an order that means nothing."""
        headers = {**self.headers, "Content-Security-Policy": set(self.headers["Content-Security-Policy"].split("; "))}
        body = json.loads(self.content)
        if "jwe" in body:
            opened = jwe.decrypt_compact(body["jwe"], KEY, algorithms=["ECDH-ES", "A256GCM"])
            body = json.loads(opened.plaintext or b"")
            header = {name: value for name, value in opened.headers().items() if name != "epk"}
            return self.status, headers.keys(), header, body
        if body["error"]["incident"]:
            body["error"]["incident"] = "some"
        return self.status, {**headers, "Content-Length": ""}, body


@dataclass
class Portal:
    """Django's application, and what came through to it."""

    django: WSGIHandler = field(default_factory=WSGIHandler)
    passed: list[bytes] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        self.passed.append(environ["wsgi.input"].getvalue())
        try:
            return self.django(environ, start_response)
        finally:
            clear_script_prefix()  # else this thread's addresses would begin so from now on


def environ(caller: Caller, name: str = "acme/api", body: Any = None, **changes: Any) -> dict[str, Any]:
    """Return a request as the web server hands it over; None takes a variable away."""
    sent = body if isinstance(body, bytes) else json.dumps(body or {"key": KEY.as_dict(private=False)}).encode()
    made = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/api/v1/tenants/{caller.slug}/repositories/{name}/environment",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": caller.client.defaults["REMOTE_ADDR"],
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(sent)),
        "HTTP_AUTHORIZATION": f"Bearer {caller.token}",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(sent),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def ask(application: Application, environment: dict[str, Any]) -> Answer:
    said: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        said.extend((status, dict(headers)))
        return bytes

    content = b"".join(application(environment, start_response))
    return Answer(said[0], said[1], content)
