"""Ports: the familiar ones where free, the same ones next time, and never one that is taken."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.demo import ports


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
