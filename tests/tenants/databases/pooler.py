"""Debian's PgBouncer before the tests' PostgreSQL, configured by the files that are shipped."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from portal.demo.children import ROOT, Child
from portal.demo.credentials import write_private
from portal.demo.embedded import Process, Stack, wait_for
from portal.demo.ports import LOOPBACK, remembered
from portal.demo.privileges import take_over, unprivileged_prefix
from portal.demo.processes import listens

SHIPPED = ROOT / "deploy" / "database"


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer."""

    stack: Stack
    port: int
    password: str
    log: Path

    def environment(self, process: Process) -> dict[str, str]:
        """Return the variables of one of the portal's processes that connects through the pooler."""
        url = urlsplit(self.stack.database_url(process))
        through = url._replace(netloc=f"{url.username}:{url.password}@{LOOPBACK}:{self.port}").geturl()
        return {**self.stack.environment(process), "DATABASE_URL": through}

    def command(self, command: str) -> list[dict[str, object]]:
        """Run a command of PgBouncer's own console; return its rows, if any."""
        with psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            dbname="pgbouncer",
            user="pgbouncer",
            password=self.password,
            autocommit=True,
            row_factory=psycopg.rows.dict_row,
            cursor_factory=psycopg.ClientCursor,
        ) as console:
            done = console.execute(command.encode())
            return done.fetchall() if done.description else []


@contextmanager
def pooling(stack: Stack, directory: Path, administrator: psycopg.Connection, **changes: object) -> Iterator[Pooler]:
    """Run PgBouncer with the shipped settings and `changes`."""
    wanted = [str(ROOT / "deploy" / "debian"), "pgbouncer", "pgbouncer", "--version"]
    program = subprocess.run(wanted, check=True, stdout=subprocess.PIPE, text=True).stdout
    # The same for every pooler of one server: a later one must not lock an earlier one out.
    password = hashlib.sha256(f"pooler {stack.credentials.administrator}".encode()).hexdigest()
    prepare(administrator, password)
    port = remembered(directory / "ports.json", {"pgbouncer": None})["pgbouncer"]
    write_private(directory / "pgbouncer.ini", _configuration(stack, directory, listen_port=port, **changes))
    write_private(directory / "userlist.txt", f'"pgbouncer" "{password}"\n')
    take_over(directory)
    command = [program.strip(), str(directory / "pgbouncer.ini")]
    child = Child("pgbouncer", command, directory, prefix=unprivileged_prefix())
    child.start()
    try:
        wait_for(child, lambda: listens(port))
        yield Pooler(stack, port, password, child.log)
    finally:
        child.stop()


def _configuration(stack: Stack, directory: Path, **changes: object) -> str:
    """Return the shipped configuration, for this server and with `changes`."""
    shipped = ConfigParser(interpolation=None)
    shipped.read(SHIPPED / "pgbouncer.ini")
    server = stack.administrator()
    login = f"host={server['host']} port={server['port']} dbname=bulkhead auth_user=pgbouncer"
    here = {"auth_file": directory / "userlist.txt", "unix_socket_dir": "", "admin_users": "pgbouncer"}
    shipped["databases"]["bulkhead"] = login
    shipped["pgbouncer"].update({name: str(value) for name, value in {**here, **changes}.items()})
    written = StringIO()
    shipped.write(written)
    return written.getvalue()


def prepare(administrator: psycopg.Connection, password: str) -> None:
    """Run pgbouncer.sql once for a server; a later pooler of it only gets a new password."""
    if administrator.execute("SELECT FROM pg_roles WHERE rolname = 'pgbouncer'").fetchone() is None:
        script = (SHIPPED / "pgbouncer.sql").read_text().replace("\\set ON_ERROR_STOP on", "")
        administrator.execute(script.replace(":'pgbouncer_password'", f"'{password}'").encode())
    change = sql.SQL("ALTER ROLE pgbouncer PASSWORD {}").format(sql.Literal(password))
    administrator.execute(change)
