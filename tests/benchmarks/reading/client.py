"""Asks a server over kept connections, each with one request under way at any time: `python -m …client`.

A process of its own, and little more than system calls, so that it takes as little as it can of what it measures.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import Final

from portal.demo.ports import LOOPBACK
from tests.benchmarks.scale.contestant import serve

_END_OF_HEAD: Final = b"\r\n\r\n"
_CHUNK: Final = 1 << 18


@dataclass(slots=True)
class Line:
    """One connection, and what has come of the answer that it waits for."""

    socket: socket.socket
    asked: float = 0.0
    answer: bytes = b""


@dataclass(slots=True)
class Load:
    """A request, text by text as it goes over the wire, and how long each answer took."""

    request: bytes
    seconds: list[float] = field(default_factory=list)

    def ask(self, line: Line) -> None:
        line.answer, line.asked = b"", time.perf_counter()
        line.socket.sendall(self.request)

    def hear(self, line: Line) -> bool:
        """Take what has come; say whether the answer is whole. Raises RuntimeError for one that is not a 200."""
        more = line.socket.recv(_CHUNK)
        line.answer += more
        if not more or not line.answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"answered {line.answer[:500]!r}")
        if not _is_whole(line.answer):
            return False
        self.seconds.append(time.perf_counter() - line.asked)
        return True


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(_END_OF_HEAD)
    if not found:
        return False
    _, announced, length = head.lower().partition(b"\r\ncontent-length:")
    if announced:
        return len(body) >= int(length.partition(b"\r\n")[0])
    return body.endswith(b"0\r\n\r\n")  # chunked


def ask(port: int, request: str, connections: int, seconds: float) -> dict[str, float]:
    """Keep so many connections busy for so long; return the answers, the seconds that they took, and their p99."""
    load = Load(request.encode("latin-1"))
    with selectors.DefaultSelector() as waiting:
        for _ in range(connections):
            opened = socket.create_connection((LOOPBACK, port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(opened, selectors.EVENT_READ, Line(opened))
        began = time.perf_counter()
        _keep_busy(load, waiting, began + seconds)
        took = time.perf_counter() - began
    ordered = sorted(load.seconds)
    return {"answers": len(ordered), "seconds": took, "p99": ordered[len(ordered) * 99 // 100]}


def _keep_busy(load: Load, waiting: selectors.BaseSelector, deadline: float) -> None:
    for key in list(waiting.get_map().values()):
        load.ask(key.data)
    while waiting.get_map():
        for key, _ in waiting.select():
            if not load.hear(key.data):
                continue
            if time.perf_counter() < deadline:
                load.ask(key.data)
            else:
                waiting.unregister(key.fileobj)
                key.data.socket.close()


if __name__ == "__main__":
    serve({"ask": ask})
