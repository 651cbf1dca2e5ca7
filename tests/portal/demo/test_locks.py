"""Locks: fresh, with a hash for every pin, and without an address to download from."""

from pathlib import Path

import pytest

from deploy.locks import __main__ as locks


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in locks.CONTENTS:
        (tmp_path / f"{name}.txt").write_text((locks.LOCKS / f"{name}.txt").read_text())
    monkeypatch.setattr(locks, "LOCKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", locks.CONTENTS)
def test_the_lock_is_fresh_and_whole(name: str) -> None:
    assert locks.faults(name) == []


def test_a_changed_requirement_makes_locks_stale(copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copies / "pyproject.toml"
    project.write_text(locks.PROJECT.read_text().replace("django>=5.2,<5.3", "django>=5.1,<5.3"))
    monkeypatch.setattr(locks, "PROJECT", project)
    assert locks.faults("runtime") == ["runtime.txt is stale: run `make locks`"]
    assert locks.faults("development") == ["development.txt is stale: run `make locks`"]
    assert locks.faults("installer") == []


def test_a_missing_lock_is_stale(copies: Path) -> None:
    (copies / "bench.txt").unlink()
    assert locks.faults("bench") == ["bench.txt is stale: run `make locks`"]


def test_a_pin_without_a_hash_is_named(copies: Path) -> None:
    with (copies / "runtime.txt").open("a") as file:
        file.write("unpinned==1.0\n")
    assert locks.faults("runtime") == ["runtime.txt: unpinned==1.0 has no hash"]


def test_a_download_address_is_refused(copies: Path) -> None:
    with (copies / "runtime.txt").open("a") as file:
        file.write("pkg @ https://example.org/pkg.whl --hash=sha256:00\n")
    assert locks.faults("runtime") == [
        "runtime.txt holds a download address: requirements are names, versions and hashes"
    ]
