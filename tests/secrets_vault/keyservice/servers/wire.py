"""An HTTP server of ours on a free port of this machine, with TLS or without, that can be told to fail."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Json


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0  # before each byte of the body


Fault = Callable[[Request], Answer | None]


class WireServer:
    """Answers as a subclass's `answer` says, unless `fault` has another answer; `spoil` may change a good one."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.fault: Fault = lambda _: None
        self.spoil: Callable[[Json], Json] = lambda body: body
        self.requests: list[Request] = []
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def origin(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def heal(self) -> None:
        self.fault, self.spoil = (lambda _: None), (lambda body: body)
        self.requests.clear()

    def answer(self, request: Request) -> Answer:
        return Answer(200, {})

    def respond(self, request: Request) -> Answer:
        self.requests.append(request)
        failure = self.fault(request)
        if failure is not None:
            return failure
        good = self.answer(request)
        return Answer(good.status, self.spoil(good.body), good.headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, wire: WireServer) -> None:
        self.wire = wire
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.wire.context is None:
            super().finish_request(request, client_address)
            return
        with self.wire.context.wrap_socket(request, server_side=True) as secured:  # in the connection's own thread
            super().finish_request(secured, client_address)

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """Say nothing: a client that distrusts the certificate, or gives up, is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.wire.respond(
            Request(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
        )
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for part in (content[at : at + 1] for at in range(len(content))) if answer.seconds else (content,):
            time.sleep(answer.seconds)
            self.wfile.write(part)

    do_GET = do_POST = _do  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def decode(text: str) -> bytes:
    """Read base64 in either alphabet, padded or not."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
