"""The local key file: its owner's alone, whole or absent. What every key service does is in test_contract.py."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from secrets_vault import (
    KeyService,
    KeyServiceDenied,
    KeyServiceUnavailable,
    LocalKeyService,
    open_key_service,
)

CONTEXT = {"tenant": "one", "key-version": "1"}
KEY = bytes(range(32))


@pytest.mark.parametrize("position", range(6, 22))
def test_a_wrapped_key_that_names_another_file_is_denied(service: LocalKeyService, position: int) -> None:
    wrapped = bytearray(service.wrap(KEY, CONTEXT))
    wrapped[position] ^= 1
    with pytest.raises(KeyServiceDenied):
        service.unwrap(bytes(wrapped), CONTEXT)


def test_another_key_file_is_denied(service: LocalKeyService, key_path: Path) -> None:
    with pytest.raises(KeyServiceDenied):
        LocalKeyService.create(key_path).unwrap(service.wrap(KEY, CONTEXT), CONTEXT)


def test_a_file_opens_to_the_key_it_was_made_with(key_path: Path) -> None:
    made = LocalKeyService.create(key_path)
    opened = open_key_service(f"local:{key_path}")
    assert isinstance(opened, KeyService)
    assert opened.key_id == made.key_id
    assert opened.unwrap(made.wrap(KEY, CONTEXT), CONTEXT) == KEY


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_new_file_is_its_owners_alone_whatever_the_umask(key_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        LocalKeyService.create(key_path)
    finally:
        os.umask(before)
    assert key_path.stat().st_mode & 0o7777 == 0o600
    assert [entry.name for entry in key_path.parent.iterdir()] == [key_path.name]


def test_an_existing_file_is_never_replaced(key_path: Path) -> None:
    LocalKeyService.create(key_path)
    content = key_path.read_bytes()
    with pytest.raises(FileExistsError):
        LocalKeyService.create(key_path)
    assert key_path.read_bytes() == content
    assert len(list(key_path.parent.iterdir())) == 1


def test_a_dangling_link_is_not_followed(key_path: Path) -> None:
    key_path.symlink_to(key_path.with_name("elsewhere"))
    with pytest.raises(FileExistsError):
        LocalKeyService.create(key_path)
    assert not key_path.with_name("elsewhere").exists()


def test_of_many_that_create_at_once_one_wins(key_path: Path) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def create() -> None:
        start.wait()
        try:
            outcomes.append(LocalKeyService.create(key_path).key_id)
        except FileExistsError:
            outcomes.append("exists")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[:7] == ["exists"] * 7
    assert LocalKeyService.open(key_path).key_id in outcomes


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o604, 0o602, 0o606, 0o610, 0o620, 0o640, 0o644, 0o660, 0o700, 0o4600])
def test_a_file_that_others_could_use_is_denied(key_path: Path, mode: int) -> None:
    LocalKeyService.create(key_path)
    key_path.chmod(mode)
    with pytest.raises((KeyServiceDenied, KeyServiceUnavailable)):  # without root, an unreadable one can't be opened
        LocalKeyService.open(key_path)


def test_a_read_only_file_will_do(key_path: Path) -> None:
    made = LocalKeyService.create(key_path)
    key_path.chmod(0o400)
    assert LocalKeyService.open(key_path).key_id == made.key_id


def test_a_file_of_another_user_is_denied(key_path: Path) -> None:
    if os.geteuid() == 0:  # only root can give a file away; others find one of root's
        LocalKeyService.create(key_path)
        os.chown(key_path, 12345, 12345)
    else:
        key_path = Path("/etc/passwd")
    with pytest.raises(KeyServiceDenied, match="another user"):
        LocalKeyService.open(key_path)


def absent(path: Path) -> None:
    path.unlink()


def linked(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("real")))


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o600)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, mode=0o600)


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return spoil


SPOILT: dict[str, Callable[[Path], None]] = {
    "absent": absent,
    "a symbolic link": linked,
    "a directory": directory,
    "a FIFO": fifo,
    "empty": rewritten(lambda _: b""),
    "another format": rewritten(lambda content: content.replace(b"file-1", b"file-2")),
    "cut off": rewritten(lambda content: content[:-5]),
    "no newline": rewritten(lambda content: content[:-1]),
    "another line": rewritten(lambda content: content + b"\n"),
    "not base64": rewritten(lambda content: content[:-4] + b"!!!\n"),
    "a shorter key": rewritten(lambda content: content[:-5] + b"\n"),
    "too long a key": rewritten(lambda content: content[:-1] + b"AAAA\n"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_file_that_is_no_key_file_is_unavailable(key_path: Path, spoil: Callable[[Path], None]) -> None:
    LocalKeyService.create(key_path)
    spoil(key_path)
    with pytest.raises(KeyServiceUnavailable):
        LocalKeyService.open(key_path)


@pytest.mark.parametrize(
    "url", ["", "local", "local:", "local:relative", "file:/key", "/key", "LOCAL:/key", "aws:/key"]
)
def test_other_addresses_are_refused_with_the_right_form(url: str) -> None:
    with pytest.raises(ValueError, match="local:/absolute/path"):
        open_key_service(url)
