"""The embedded servers: set up once, kept, started anew, side by side, and gone when they should be."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo

from portal.demo import valkey
from portal.demo.children import ROOT, end_leftover
from portal.demo.embedded import Process, Stack
from portal.demo.errors import DemoError
from portal.demo.postgres import data_of
from portal.demo.privileges import take_over
from tests.portal.demo.watching import left_after, processes_of


def start(directory: Path, *, fresh: bool = False) -> Stack:
    return Stack(directory, mode="test", durable=False, fresh=fresh)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all who only look at it."""
    with start(tmp_path_factory.mktemp("running")) as stack:
        yield stack


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    with start(directory):
        pass
    return directory


@pytest.fixture
def made(_made: Path, tmp_path: Path) -> Path:
    """A directory that was started and stopped before."""
    directory = shutil.copytree(_made, tmp_path / "made")
    take_over(data_of(directory))
    return directory


def administrator(stack: Stack) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(**stack.administrator()))


def cache(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.environment("web")["REDIS_URL"])


def test_each_process_gets_a_database_role_of_its_own(running: Stack) -> None:
    names: tuple[Process, ...] = ("web", "worker", "beat", "provisioner", "owner")
    found = {}
    for name in names:
        with psycopg.connect(running.environment(name)["DATABASE_URL"]) as connection:
            found[name] = connection.execute("SELECT current_user, current_schema()").fetchone()
    roles = ("bulkhead_web", "bulkhead_worker", "bulkhead_worker", "bulkhead_provisioner", "bulkhead_owner")
    assert found == {name: (role, "registry") for name, role in zip(names, roles, strict=True)}


def test_a_password_is_asked_for(running: Stack) -> None:
    address = f"host=127.0.0.1 port={running.ports['postgresql']} dbname=bulkhead user=postgres"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"{address} password=guess")
    assert valkey.is_ready(running.ports["valkey"], running.credentials.valkey)
    assert not valkey.is_ready(running.ports["valkey"], "guess")


def test_a_second_start_keeps_data_and_ports(tmp_path: Path) -> None:
    with start(tmp_path) as stack, cache(stack) as store, administrator(stack) as connection:
        ports, credentials = stack.ports, stack.credentials
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        store.set("kept", "42")
        connection.commit()
    with start(tmp_path) as stack, cache(stack) as store, administrator(stack) as connection:
        assert (stack.ports, stack.credentials) == (ports, credentials)
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert store.get("kept") == b"42"


def test_starting_anew_forgets_data_and_secrets(made: Path) -> None:
    with start(made) as stack, administrator(stack) as connection:
        credentials = stack.credentials
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.commit()
    with start(made, fresh=True) as stack, administrator(stack) as connection:
        assert stack.credentials != credentials
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_two_stacks_run_side_by_side(tmp_path: Path) -> None:
    with start(tmp_path / "one") as one, start(tmp_path / "two") as two:
        assert not set(one.ports.values()) & set(two.ports.values())


def test_one_directory_runs_once(running: Stack) -> None:
    with pytest.raises(DemoError, match=f"already runs.*process {os.getpid()}"):
        start(running.directory).start()


def test_stopping_leaves_no_process(made: Path) -> None:
    with start(made):
        assert processes_of(made)
    assert processes_of(made) == {}


def test_secrets_are_their_owners_alone(running: Stack) -> None:
    directory = running.directory
    for name in ("secrets.json", "platform.key"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700 or directory.owner() == "root"
    secrets = json.loads((directory / "secrets.json").read_text())
    shown = repr(running.credentials) + "".join(repr(child) for child in running.servers)
    logs = "".join(path.read_text() for path in (directory / "logs").iterdir())
    commands = "".join(processes_of(directory).values())
    for secret in secrets.values():
        assert secret not in shown
        assert secret not in logs
        assert secret not in commands


def test_a_failed_statement_is_not_logged(running: Stack) -> None:
    with administrator(running) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT 'canary-in-a-statement' FROM nowhere")
    assert "canary-in-a-statement" not in (running.directory / "logs" / "postgresql.log").read_text()


SUPERVISOR = """
import sys, time
from pathlib import Path
from portal.demo.embedded import Stack
with Stack(Path(sys.argv[1]), durable=False):
    print("up", flush=True)
    time.sleep(60)
"""


def test_a_killed_parent_takes_its_servers_along(made: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(made)], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.send_signal(signal.SIGKILL)
    if sys.platform == "linux":  # prctl(2) is its own; elsewhere the next start cleans up
        assert left_after(made, seconds=20) == {}
    with start(made):  # and the directory is as good as before
        pass


def test_a_server_that_an_earlier_start_left_is_ended(made: Path) -> None:
    stack = start(made)
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as leftover:
        pid_file = made / "run" / "valkey.pid"
        birth = Path(f"/proc/{leftover.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        pid_file.write_text(f"{leftover.pid} {birth}\n")
        stack.start()
        assert leftover.wait(timeout=20) == -signal.SIGTERM
    stack.stop()


def test_a_leftover_that_is_deaf_to_its_signal_is_killed(tmp_path: Path) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"]
    with subprocess.Popen(deaf, start_new_session=True, stdout=subprocess.PIPE) as leftover:
        assert leftover.stdout is not None
        assert leftover.stdout.readline() == b"deaf\n"
        birth = Path(f"/proc/{leftover.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        (tmp_path / "web.pid").write_text(f"{leftover.pid} {birth}\n")
        end_leftover(tmp_path / "web.pid", signal.SIGTERM, patience=0.2)
        assert leftover.wait(timeout=20) == -signal.SIGKILL
    assert not (tmp_path / "web.pid").exists()


def test_a_namesake_of_a_dead_server_is_left_alone(made: Path) -> None:
    stack = start(made)
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as bystander:
        (made / "run" / "valkey.pid").write_text(f"{bystander.pid} 1\n")
        stack.start()
        stack.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(made: Path) -> None:
    (made / "postgresql" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(DemoError, match="no_such_setting"):
        start(made).__enter__()
    assert processes_of(made) == {}
