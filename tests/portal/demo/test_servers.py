"""Where the servers come from and whom they run as: wheel, machine, somebody else's; user, namespace, other uid."""

import os
import stat
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psycopg
import pytest

from portal.demo import postgres, privileges, valkey
from portal.demo.embedded import Stack, wait_for
from portal.demo.errors import DemoError
from portal.demo.ports import remembered

ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    privileges.unprivileged_prefix.cache_clear()
    postgres.binaries.cache_clear()


def only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Leave no wheel, and no program but those in `folder`."""

    def nothing(_name: str) -> ModuleSpec | None:
        return None

    for module in (postgres, valkey):
        monkeypatch.setattr(module, "find_spec", nothing)
    monkeypatch.setattr(postgres, "DEBIAN", str(folder / "postgresql-{}" / "bin"))
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    postgres.binaries.cache_clear()


def server(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_root_alone_runs_postgres_as_somebody_else() -> None:
    names = [Path(part).name for part in privileges.unprivileged_prefix()[:1]]
    assert names in ([["unshare"], ["setpriv"]] if ROOT else [[]])


def test_without_user_namespaces_another_uid_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    privileges.unprivileged_prefix.cache_clear()
    monkeypatch.setattr(privileges, "_namespace", tuple)
    with Stack(tmp_path, durable=False) as stack, psycopg.connect(stack.database_url("web")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("bulkhead_web",)
        assert (tmp_path / "postgresql").stat().st_uid == (privileges.UNPRIVILEGED if ROOT else os.geteuid())
        assert stat.S_IMODE((tmp_path / "postgresql").stat().st_mode) == 0o700


def test_root_without_any_way_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    privileges.unprivileged_prefix.cache_clear()
    for name in ("_namespace", "_other_uid"):
        monkeypatch.setattr(privileges, name, tuple)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(DemoError, match="Run this as another user"):
        privileges.unprivileged_prefix()


def test_a_server_of_the_machine_serves_where_no_wheel_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, server(tmp_path, "17.2"))
    assert postgres.binaries() == tmp_path.resolve()


def test_an_old_server_on_path_gives_way_to_a_newer_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = server(tmp_path / "postgresql-16" / "bin", "16.9")
    only(monkeypatch, server(tmp_path, "15.14"))
    assert postgres.binaries() == newer


def test_no_server_at_all_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, server(tmp_path, "15.14"))
    with pytest.raises(DemoError, match="Install PostgreSQL ≥ 16"):
        postgres.binaries()
    with pytest.raises(DemoError, match="Install valkey-server or redis-server"):
        valkey.child(tmp_path, 1, "password")


def test_redis_of_the_machine_serves_where_no_wheel_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (server(tmp_path, "17.2") / "redis-server").symlink_to(sys.executable)
    only(monkeypatch, tmp_path)
    assert valkey.child(tmp_path, 1, "password").command[0] == str(tmp_path / "redis-server")


def test_somebody_elses_server_is_used_by_an_administrators_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    port = remembered(theirs / "ports.json", {"postgresql": None})["postgresql"]
    postgres.initialize(theirs, "their-password", durable=False)
    database = postgres.child(theirs, port, durable=False)
    database.start()
    try:
        wait_for(database, lambda: postgres.is_ready(theirs))
        address = f"postgresql://postgres:their-password@127.0.0.1:{port}/postgres?application_name=demo"
        monkeypatch.setenv("BULKHEAD_DEMO_DATABASE_URL", address)
        with Stack(ours) as stack, psycopg.connect(stack.database_url("worker")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("bulkhead_worker",)
            assert [server.name for server in stack.servers] == ["valkey"]
        with pytest.raises(DemoError, match="drop the database `bulkhead` yourself"):
            Stack(ours, fresh=True).__enter__()
    finally:
        database.stop()


def test_a_setup_that_fails_leaves_nothing_to_be_taken_for_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_locale", lambda: ["--locale=no-such-locale"])
    with pytest.raises(DemoError, match="could not be set up"):
        postgres.initialize(tmp_path, "password", durable=False)
    assert not postgres.data_of(tmp_path).exists()
    assert not (tmp_path / "administrator").exists()
