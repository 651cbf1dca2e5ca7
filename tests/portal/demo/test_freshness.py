"""One-time steps run again when, and only when, something they depend on changed; tools get settings, not servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.demo import freshness
from portal.demo.children import ROOT
from portal.demo.offline import ENVIRONMENT


def test_a_step_is_done_until_its_fingerprint_changes(tmp_path: Path) -> None:
    prints = ["one"]
    step = freshness.Step(tmp_path / "deep" / "mark", lambda: prints[-1])
    assert not step.is_done
    step.done()
    assert step.is_done
    prints.append("two")
    assert not step.is_done


def test_a_changed_migration_counts_and_a_changed_cache_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "ROOT", tmp_path)
    migration = tmp_path / "tenants" / "registry" / "migrations" / "0001_initial.py"
    migration.parent.mkdir(parents=True)
    migration.write_text("operations = []")
    step = freshness.migration(tmp_path / "demo")
    step.done()
    migration.with_suffix(".pyc").write_bytes(b"compiled")
    assert step.is_done
    migration.write_text("operations = [1]")
    assert not step.is_done


def test_operations_to_apply_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = freshness.migration(tmp_path)
    step.done()
    monkeypatch.setenv("BULKHEAD_OPERATIONS", "deploy.operations")
    assert not step.is_done


def test_a_tool_gets_every_setting_and_what_is_set_stays() -> None:
    show = [sys.executable, "-c", "import os; print(os.environ['BULKHEAD_BASE_URL'], os.environ['REDIS_URL'])"]
    bare = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    done = subprocess.run(
        [sys.executable, "-m", "portal.demo.offline", *show],
        cwd=ROOT,
        env={**bare, "BULKHEAD_BASE_URL": "http://127.0.0.1:1234"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["http://127.0.0.1:1234", ENVIRONMENT["REDIS_URL"]]


def test_a_tool_that_is_none_is_named() -> None:
    command = [sys.executable, "-m", "portal.demo.offline", "no-such-tool"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "offline: no such program: no-such-tool\n")
