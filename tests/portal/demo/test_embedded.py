"""The embedded servers: set up once, kept, started anew, side by side, and gone when they should be."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo

from portal.demo import valkey
from portal.demo.children import ROOT, end_leftover
from portal.demo.embedded import Process, Stack
from portal.demo.errors import DemoError
from tests.portal.demo.watching import left_after, processes_of


def start(directory: Path, *, fresh: bool = False) -> Stack:
    return Stack(directory, mode="test", durable=False, fresh=fresh)


def administrator(stack: Stack) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(**stack.administrator()))


def cache(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.environment("web")["REDIS_URL"])


def test_each_process_gets_a_database_role_of_its_own(tmp_path: Path) -> None:
    names: tuple[Process, ...] = ("web", "worker", "beat", "provisioner", "owner")
    with start(tmp_path) as stack:
        found = {}
        for name in names:
            with psycopg.connect(stack.environment(name)["DATABASE_URL"]) as connection:
                found[name] = connection.execute("SELECT current_user, current_schema()").fetchone()
    roles = ("bulkhead_web", "bulkhead_worker", "bulkhead_worker", "bulkhead_provisioner", "bulkhead_owner")
    assert found == {name: (role, "registry") for name, role in zip(names, roles, strict=True)}


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with start(tmp_path) as stack:
        address = f"host=127.0.0.1 port={stack.ports['postgresql']} dbname=bulkhead user=postgres"
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"{address} password=guess")
        assert valkey.is_ready(stack.ports["valkey"], stack.credentials.valkey)
        assert not valkey.is_ready(stack.ports["valkey"], "guess")


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


def test_starting_anew_forgets_data_and_secrets(tmp_path: Path) -> None:
    with start(tmp_path) as stack, administrator(stack) as connection:
        credentials = stack.credentials
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.commit()
    with start(tmp_path, fresh=True) as stack, administrator(stack) as connection:
        assert stack.credentials != credentials
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_two_stacks_run_side_by_side(tmp_path: Path) -> None:
    with start(tmp_path / "one") as one, start(tmp_path / "two") as two:
        assert not set(one.ports.values()) & set(two.ports.values())


def test_one_directory_runs_once(tmp_path: Path) -> None:
    with start(tmp_path), pytest.raises(DemoError, match=f"already runs.*process {os.getpid()}"):
        start(tmp_path).start()


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    with start(tmp_path):
        assert processes_of(tmp_path)
    assert processes_of(tmp_path) == {}


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    with start(tmp_path) as stack:
        for name in ("secrets.json", "platform.key"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700 or tmp_path.owner() == "root"
        secrets = json.loads((tmp_path / "secrets.json").read_text())
        shown = repr(stack.credentials) + "".join(repr(child) for child in stack.servers)
        logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
        commands = "".join(processes_of(tmp_path).values())
    for secret in secrets.values():
        assert secret not in shown
        assert secret not in logs
        assert secret not in commands


def test_a_failed_statement_is_not_logged(tmp_path: Path) -> None:
    with start(tmp_path) as stack, administrator(stack) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT 'canary-in-a-statement' FROM nowhere")
        assert "canary-in-a-statement" not in (tmp_path / "logs" / "postgresql.log").read_text()


SUPERVISOR = """
import sys, time
from pathlib import Path
from portal.demo.embedded import Stack
with Stack(Path(sys.argv[1]), durable=False):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's own; elsewhere the next start cleans up")
def test_a_killed_parent_takes_its_servers_along(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.send_signal(signal.SIGKILL)
    assert left_after(tmp_path, seconds=5) == {}
    with start(tmp_path):  # and the directory is as good as before
        pass


def test_a_server_that_an_earlier_start_left_is_ended(tmp_path: Path) -> None:
    with start(tmp_path) as stack:
        pass
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as leftover:
        pid_file = tmp_path / "run" / "valkey.pid"
        birth = Path(f"/proc/{leftover.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        pid_file.write_text(f"{leftover.pid} {birth}\n")
        stack.start()
        assert leftover.wait(timeout=5) == -signal.SIGTERM
    stack.stop()


def test_a_leftover_that_is_deaf_to_its_signal_is_killed(tmp_path: Path) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"]
    with subprocess.Popen(deaf, start_new_session=True, stdout=subprocess.PIPE) as leftover:
        assert leftover.stdout is not None
        assert leftover.stdout.readline() == b"deaf\n"
        birth = Path(f"/proc/{leftover.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        (tmp_path / "web.pid").write_text(f"{leftover.pid} {birth}\n")
        end_leftover(tmp_path / "web.pid", signal.SIGTERM, patience=0.2)
        assert leftover.wait(timeout=5) == -signal.SIGKILL
    assert not (tmp_path / "web.pid").exists()


def test_a_namesake_of_a_dead_server_is_left_alone(tmp_path: Path) -> None:
    with start(tmp_path) as stack:
        pass
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as bystander:
        (tmp_path / "run" / "valkey.pid").write_text(f"{bystander.pid} 1\n")
        stack.start()
        stack.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with start(tmp_path):
        pass
    (tmp_path / "postgresql" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(DemoError, match="no_such_setting"):
        start(tmp_path).__enter__()
    assert processes_of(tmp_path) == {}
