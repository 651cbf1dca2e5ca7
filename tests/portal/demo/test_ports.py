"""Ports: the familiar ones where free, the same ones next time, and never one that is taken."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.demo import ports
from portal.demo.children import ROOT

ANOTHER_START = """
import sys
from pathlib import Path
from portal.demo import ports
print(ports.remembered(Path(sys.argv[1]), {"web": None})["web"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as somebody:
        somebody.bind((ports.LOOPBACK, 0))
        somebody.listen()
        yield somebody.getsockname()[1]


def test_a_taken_port_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_the_preferred_port_is_used_when_free(tmp_path: Path) -> None:
    wish = ports.remembered(tmp_path / "probe.json", {"web": None})["web"]
    assert ports.remembered(tmp_path / "ports.json", {"web": wish}) == {"web": wish}


def test_a_taken_preference_yields_another_port(tmp_path: Path, taken: int) -> None:
    chosen = ports.remembered(tmp_path / "ports.json", {"web": taken})
    assert chosen["web"] in ports.FREE_RANGE
    assert ports.is_free(chosen["web"])


def test_ports_are_remembered(tmp_path: Path) -> None:
    names = {"web": None, "identity": None, "postgresql": None, "valkey": None}
    first = ports.remembered(tmp_path / "ports.json", names)
    assert ports.remembered(tmp_path / "ports.json", names) == first


def test_a_remembered_port_that_is_now_taken_is_replaced(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "ports.json"
    path.write_text(json.dumps({"web": taken}))
    assert ports.remembered(path, {"web": None})["web"] != taken


def test_one_start_gives_each_name_a_port_of_its_own(tmp_path: Path) -> None:
    wish = ports.remembered(tmp_path / "probe.json", {"web": None})["web"]
    chosen = ports.remembered(tmp_path / "ports.json", {"web": wish, "identity": wish})
    assert len(set(chosen.values())) == 2


def test_another_start_keeps_its_port_though_nobody_listens_there_yet(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ANOTHER_START, str(tmp_path / "theirs.json")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as another:
        assert another.stdout is not None
        theirs = int(another.stdout.readline())
        assert ports.is_free(theirs)
        assert ports.remembered(tmp_path / "ours.json", {"web": theirs})["web"] != theirs
        another.communicate("")
    assert ports.remembered(tmp_path / "then.json", {"web": theirs}) == {"web": theirs}


def test_two_starts_of_one_process_share_no_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FREE_RANGE", range(ports.FREE_RANGE.start, ports.FREE_RANGE.start + 40))
    chosen = [ports.remembered(tmp_path / f"{number}.json", {"web": None})["web"] for number in range(8)]
    assert len(set(chosen)) == 8
