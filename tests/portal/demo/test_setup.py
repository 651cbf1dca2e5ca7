"""`deploy/setup` on machines that lack something basic: it names what to install, and makes nothing by halves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from portal.demo.children import ROOT

TOOLS = ("sh", "cat", "cksum", "dirname", "touch", "tail", "date", "rm", "env")
NO_ENSUREPIP = f"""#!/bin/sh
case "$*" in *ensurepip*) exit 1;; esac
exec {sys.executable} "$@"
"""
OLD = """#!/bin/sh
case "$*" in *sys.exit*) exit 1;; *) echo 3.9.2;; esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    shutil.copytree(ROOT / "deploy", root / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with nothing but the basic tools, and Debian's package manager by name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    program(folder, "apt-get", "#!/bin/sh\nexit 99\n")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


def setup(clone: Path, programs: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL", "COV"))}
    variables = {**kept, "PATH": str(programs), **environment}
    return subprocess.run([clone / "deploy" / "setup"], env=variables, capture_output=True, text=True, check=False)


def refusal(clone: Path, programs: Path, **environment: str) -> str:
    done = setup(clone, programs, **environment)
    assert done.returncode == 1
    assert not (clone / ".venv").exists()
    return done.stderr.strip()


def test_no_python_at_all(clone: Path, programs: Path) -> None:
    expected = "No Python found. Bulkhead needs Python 3.11 or newer: apt-get install python3 python3-venv"
    assert refusal(clone, programs) == f"setup: {expected}"


def test_a_python_too_old(clone: Path, programs: Path) -> None:
    program(programs, "python3", OLD)
    message = refusal(clone, programs)
    assert message.startswith("setup: Bulkhead needs Python 3.11 or newer, but python3 is 3.9.2. Install one")
    assert "make setup PYTHON=" in message


def test_a_newer_python_beside_an_old_one_is_found(clone: Path, programs: Path) -> None:
    program(programs, "python3", OLD)
    program(programs, "python3.12", NO_ENSUREPIP)
    assert f"{programs}/python3.12 can't make virtual environments" in refusal(clone, programs)


def test_ensurepip_missing(clone: Path, programs: Path) -> None:
    program(programs, "python3", NO_ENSUREPIP)
    message = refusal(clone, programs)
    assert message == (
        f"setup: {programs}/python3 can't make virtual environments: its modules ensurepip and venv are missing. "
        "Install them: apt-get install python3-venv"
    )


def test_a_named_python_that_is_none(clone: Path, programs: Path) -> None:
    message = refusal(clone, programs, PYTHON="/no/such/python")
    assert message == "setup: PYTHON=/no/such/python is not a program. Name a Python 3.11 or newer."


def test_a_named_python_too_old_is_not_replaced_by_another(clone: Path, programs: Path) -> None:
    program(programs, "ancient", OLD)
    (programs / "python3").symlink_to(sys.executable)
    assert "PYTHON=ancient is 3.9.2" in refusal(clone, programs, PYTHON="ancient")


def test_an_index_out_of_reach_is_named_and_leaves_no_stamp(clone: Path, programs: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nonexistent"}
    done = setup(clone, programs, PYTHON=sys.executable, PIP_CONFIG_FILE=os.devnull, **nowhere)
    assert done.returncode == 1
    assert "Is the package index reachable" in done.stderr
    assert not (clone / ".venv" / ".bulkhead").exists()


def test_a_fresh_environment_is_left_alone(clone: Path, programs: Path) -> None:
    """What `make` relies on: with the stamp of the same inputs nothing is looked at, not even the interpreter."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    program(clone / ".venv" / "bin", "python", "#!/bin/sh\nexit 1\n")
    inputs = [clone / "deploy/locks/installer.txt", clone / "deploy/locks/development.txt", clone / "pyproject.toml"]
    content = b"".join(path.read_bytes() for path in [*inputs, clone / "deploy/setup"])
    sum_ = subprocess.run(["cksum"], input=content, capture_output=True, check=True).stdout.decode().strip()
    (clone / ".venv" / ".bulkhead").write_text(f"{sum_}\n{clone}\n")
    done = setup(clone, programs)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
