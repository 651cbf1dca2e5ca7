"""An SSH server of the tests' own: another implementation than the clients', on a port of this machine.

What it lets in is written as a host's administrator writes it, in the format of authorized_keys.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import asyncssh


@dataclass(frozen=True)
class Host:
    """A host that is up; `home` is a directory for what its client writes."""

    home: Path
    port: int
    public: str  # its own key

    @property
    def known(self) -> str:
        """The line by which to know it."""
        return f"[127.0.0.1]:{self.port} {self.public}\n"

    def authorize(self, *lines: str) -> None:
        self._authorized.write_text("".join(f"{line}\n" for line in lines))

    def visit(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Have OpenSSH's client run a command there; the host says `inside` to whom it lets in."""
        where = f"{getpass.getuser()}@127.0.0.1"
        command = ["ssh", "-p", str(self.port), "-o", "BatchMode=yes", *options, where, "hello"]
        around = {"HOME": str(self.home), "PATH": os.environ["PATH"], **environment}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=around)

    def lets_in(self, key: Path) -> bool:
        """Whether the holder of this private key, and of the certificate beside it, is let in."""
        return self.visited(key).stdout == "inside\n"

    def visited(self, key: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Visit with this key alone."""
        alone = ("-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none")
        unknown = ("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.home}/known")
        return self.visit(*alone, *unknown, *options)

    @property
    def _authorized(self) -> Path:
        return self.home / "authorized_keys"


@contextmanager
def serving(home: Path) -> Iterator[Host]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connections: list[asyncssh.SSHServerConnection] = []

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self._connection = conn
            connections.append(conn)

        def begin_auth(self, _username: str) -> bool:
            self._connection.set_authorized_keys(str(home / "authorized_keys"))
            return True

    def answer(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write("inside\n")
        process.exit(0)

    async def begin() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Server, server_host_keys=[key], process_factory=answer
        )

    async def end(acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        await acceptor.wait_closed()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=30)
        for _ in range(3):  # in the loop's next turns sockets are closed
            await asyncio.sleep(0)

    acceptor = asyncio.run_coroutine_threadsafe(begin(), loop).result(60)
    try:
        yield Host(home, acceptor.get_port(), key.export_public_key().decode().strip())
    finally:
        asyncio.run_coroutine_threadsafe(end(acceptor), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
