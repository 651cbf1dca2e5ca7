"""The three commands: what each refuses, and that killed at any moment they leave all or nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from portal.demo.children import ROOT
from portal.demo.embedded import Stack
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.records.models import AuditRow
from tests.conftest import Household, acting_as
from tests.tenants.transfer.conftest import Elsewhere, environment
from tests.tenants.transfer.forging import Forgery


def command(name: str, *arguments: object) -> str:
    """Run a command in this process with the owner's rights; return what it prints."""
    output = io.StringIO()
    with acting_as("owner"):
        call_command(name, *map(str, arguments), stdout=output)
    return output.getvalue()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    command("new_transfer_key", tmp_path / "key")
    return tmp_path / "key"


def test_a_key_pair_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "key"
    told = json.loads(command("new_transfer_key", path, "--json"))
    assert told["fingerprint"].startswith("SHA256:")
    assert path.stat().st_mode & 0o777 == 0o600
    assert Path(told["public"]).stat().st_mode & 0o777 == 0o644
    before = path.read_bytes()
    for taken in (path, Path(told["public"])):
        with pytest.raises(CommandError, match="exists"):
            command("new_transfer_key", path)
        taken.unlink()
        assert sorted(tmp_path.iterdir()) == sorted({path, Path(told["public"])} - {taken})
        taken.write_bytes(before)


def test_the_private_half_is_refused_when_others_can_read_it(key: Path, elsewhere: Elsewhere) -> None:
    key.chmod(0o640)
    with pytest.raises(CommandError, match="mode 0600"):
        command("import_tenant", elsewhere.archive("plain"), "--key", key, "--without-digest")


def test_files_that_are_something_else_are_refused(key: Path, household: Household, tmp_path: Path) -> None:
    output, public = tmp_path / "out.tar", f"{key}.pub"
    for to, complaint in (
        (key, "public half"),
        (tmp_path / "none", "can't be opened"),
        (tmp_path, "directory"),
        (Path("/dev/null"), "regular file"),
    ):
        with pytest.raises(CommandError, match=complaint):
            command("export_tenant", household.slug, "--to", to, "--output", output)
    damaged = tmp_path / "damaged.pub"
    damaged.write_text("bulkhead-transfer-public-1 *\n")
    with pytest.raises(CommandError, match="damaged"):
        command("export_tenant", household.slug, "--to", damaged, "--output", output)
    damaged.write_text("bulkhead-transfer-public-1 AAAA\n")
    with pytest.raises(CommandError, match="public key is malformed"):
        command("export_tenant", household.slug, "--to", damaged, "--output", output)
    Path(public).chmod(0o600)
    with pytest.raises(CommandError, match="private half"):
        command("import_tenant", output, "--key", public, "--without-digest")
    assert not output.exists()
    assert not list(tmp_path.glob(".*"))


def test_an_export_never_replaces_a_file(key: Path, household: Household, tmp_path: Path) -> None:
    output = tmp_path / "out.tar"
    output.write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        command("export_tenant", household.slug, "--to", f"{key}.pub", "--output", output)
    assert output.read_text() == "mine"


def test_a_tenant_that_is_not_there_or_behind_is_not_exported(
    key: Path, household: Household, administrator: psycopg.Connection, tmp_path: Path
) -> None:
    arguments = ["--to", f"{key}.pub", "--output", tmp_path / "out.tar"]
    with pytest.raises(CommandError, match="There is no tenant"):
        command("export_tenant", "nobody-there", *arguments)
    update = "UPDATE registry.tenants SET schema_version = %s WHERE id = %s"
    administrator.execute(update, ["0001_initial", household.tenant.id])
    with pytest.raises(CommandError, match="migrate_tenants"):
        command("export_tenant", household.slug, *arguments)
    administrator.execute(update, [household.tenant.schema_version, household.tenant.id])
    administrator.execute(f"ALTER TABLE {household.tenant.schema}.repositories ADD COLUMN more int")
    with pytest.raises(CommandError, match="differs from this release in repositories"):
        command("export_tenant", household.slug, *arguments)
    administrator.execute(f"ALTER TABLE {household.tenant.schema}.repositories DROP COLUMN more")
    assert "26" not in command("export_tenant", household.slug, *arguments).split()


def test_no_archive_without_its_line_in_the_log(key: Path, household: Household, tmp_path: Path) -> None:
    def refuse(execute: Callable[..., object], statement: str, *rest: object) -> object:
        if "tenant.exported" in statement:
            raise CommandError("the log is full")
        return execute(statement, *rest)

    arguments = [household.slug, "--to", f"{key}.pub", "--output", tmp_path / "out.tar"]
    with connections["owner"].execute_wrapper(refuse), pytest.raises(CommandError, match="the log is full"):
        command("export_tenant", *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key.pub"]
    told = command("export_tenant", *arguments)
    with enter_as_system(household.tenant.id, Actor.system("test")):
        act = json.loads(AuditRow.objects.order_by("-position")[0].entry)
    assert act["action"] == "tenant.exported"
    assert act["detail"]["digest"] in told


def test_the_same_tenant_does_not_come_in_twice(key: Path, household: Household, tmp_path: Path) -> None:
    command("export_tenant", household.slug, "--to", f"{key}.pub", "--output", tmp_path / "out.tar")
    with pytest.raises(CommandError, match=f"here already, as {household.slug}.*Nothing was changed"):
        command("import_tenant", tmp_path / "out.tar", "--key", key, "--slug", "another-one", "--without-digest")


def test_an_owner_is_given_as_an_identity(elsewhere: Elsewhere) -> None:
    arguments = [elsewhere.archive("plain"), "--key", elsewhere.key, "--without-digest"]
    with pytest.raises(CommandError, match="provider:id"):
        command("import_tenant", *arguments, "--owner", "somebody")


@pytest.fixture
def forged(forgery: Forgery, tmp_path: Path) -> Path:
    """An archive by somebody who has the public half of the key: the tenant's, with one more owner."""
    forgery.manifest["members"].append({"provider": "github", "uid": "666", "role": "owner"})
    path = tmp_path / "forged.tar"
    path.write_bytes(forgery.written())
    return path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let somebody sit at a terminal who types this."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stdin, os.fdopen(ours, "w") as keys:
        monkeypatch.setattr("sys.stdin", stdin)

        def type_in(text: str) -> None:
            keys.write(text)
            keys.flush()

        yield type_in


def test_an_archive_that_somebody_else_made_is_refused(
    forged: Path, elsewhere: Elsewhere, nothing_changes: None
) -> None:
    digest = _digest(elsewhere.archive("plain"))
    arguments = [forged, "--key", elsewhere.key]
    with pytest.raises(CommandError, match="one of the arguments --digest --without-digest is required"):
        command("import_tenant", *arguments)
    with pytest.raises(CommandError, match="not the one that was asked for"):
        command("import_tenant", *arguments, "--digest", digest)


def test_who_would_be_let_in_is_shown_and_asked_about(
    forged: Path,
    elsewhere: Elsewhere,
    terminal: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    nothing_changes: None,
) -> None:
    for answer in ("n\n", "\n"):
        terminal(answer)
        with pytest.raises(CommandError, match="not confirmed"):
            command("import_tenant", forged, "--key", elsewhere.key, "--without-digest")
        assert "Owners: github:70003, github:666\nMembers: 2 owner\nLet them in?" in capsys.readouterr().err


def _digest(archive: Path) -> str:
    with tarfile.open(archive) as parts:
        manifest = parts.extractfile("manifest.json")
        assert manifest is not None
        return hashlib.sha256(manifest.read()).hexdigest()


def test_killed_half_way_nothing_is_there(
    stack: Stack, elsewhere: Elsewhere, administrator: psycopg.Connection, no_worker: None, nothing_changes: None
) -> None:
    """The rows are in, the members are about to be made, and the process is gone."""
    arguments = ["import_tenant", str(elsewhere.archive("plain")), "--key", str(elsewhere.key), "--without-digest"]
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'registry.memberships'::regclass AND NOT granted"
    with administrator.transaction():
        administrator.execute("LOCK TABLE registry.memberships IN ACCESS EXCLUSIVE MODE")
        importing = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(stack, "owner"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _until(lambda: importing.poll() is not None or administrator.execute(waiting).fetchone() == (1,))
            assert importing.poll() is None
        finally:
            os.kill(importing.pid, signal.SIGKILL)
            importing.wait()
    _until(lambda: administrator.execute(waiting).fetchone() == (0,))
    gone = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND pid <> pg_backend_pid()"
    _until(lambda: administrator.execute(gone).fetchone() == (0,))


def _until(true: Callable[[], bool], *, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
