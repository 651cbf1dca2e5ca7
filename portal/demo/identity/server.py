"""The sandbox as an HTTP server: which path is whose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from portal.demo.identity import authorize, bitbucket, github, pages
from portal.demo.identity.configuration import Configuration
from portal.demo.identity.grants import Memory
from portal.demo.identity.messages import Answer, Request

MAX_FORM: Final = 16_384

Door = Callable[[Request], Answer]


@dataclass
class Application:
    configuration: Configuration
    memory: Memory = field(default_factory=Memory)

    def doors(self) -> Mapping[tuple[str, str], Door]:
        configuration, memory = self.configuration, self.memory
        return {
            ("GET", "/login/oauth/authorize"): lambda asked: authorize.begin("github", asked, configuration, memory),
            ("POST", "/login/oauth/access_token"): lambda asked: github.access_token(asked, configuration, memory),
            ("GET", "/user"): lambda asked: github.user(asked, memory),
            ("GET", "/user/emails"): lambda asked: github.emails(asked, memory),
            ("GET", "/site/oauth2/authorize"): lambda asked: authorize.begin("bitbucket", asked, configuration, memory),
            ("POST", "/site/oauth2/access_token"): lambda asked: bitbucket.access_token(asked, configuration, memory),
            ("GET", "/2.0/user"): lambda asked: bitbucket.user(asked, memory),
            ("GET", "/2.0/user/emails"): lambda asked: bitbucket.emails(asked, memory),
            ("POST", "/sandbox/pick"): lambda asked: authorize.pick(asked, memory),
            ("GET", "/sandbox/style.css"): lambda _: pages.style(),
        }

    def answer(self, request: Request) -> Answer:
        door = self.doors().get((request.method, request.path))
        return door(request) if door else pages.problem(404, "There is nothing at this address.")


class Handler(BaseHTTPRequestHandler):
    """Reads one request, writes one answer."""

    protocol_version = "HTTP/1.1"
    server_version = "BulkheadSandbox"
    sys_version = ""
    timeout = 30
    application: Application

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_FORM:
            self.close_connection = True
            self._write(pages.problem(413, "The form is too large."))
            return
        self._serve(_pairs(self.rfile.read(int(length)).decode("utf-8", "replace")))

    def _serve(self, form: Mapping[str, str]) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._write(self.application.answer(Request(self.command, url.path, _pairs(url.query), form, headers)))

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.media_type, "X-Content-Type-Options": "nosniff", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: request lines carry codes and states."""


def _pairs(encoded: str) -> dict[str, str]:
    return dict(parse_qsl(encoded, keep_blank_values=True))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a burst of sign-ins is not refused


def build(configuration: Configuration, port: int) -> Server:
    """Return a server bound to the loopback interface; port 0 takes a free one."""
    handler = type("BoundHandler", (Handler,), {"application": Application(configuration)})
    return Server(("127.0.0.1", port), handler)
