"""What of a tenant's key lies in a process's memory, seen from outside: while it is kept, and when it has gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from secrets_vault import LocalKeyService
from secrets_vault.binding import encode
from secrets_vault.derivation import extract_and_expand
from secrets_vault.keyring import _LABEL, wrapping_context

# It unwraps a key, drops it, and goes on working as a process does: with another tenant's.
KEEPER: Final = """
import sys
from pathlib import Path
from secrets_vault import Keyring, LocalKeyService, WrappedKey
service = LocalKeyService.open(Path(sys.argv[1]))
keyring = Keyring.open(service, "one", [WrappedKey(1, service.key_id, bytes.fromhex(sys.argv[2]))])
for gone in (False, True):
    if gone:
        del keyring
    Keyring.create(service, "two")
    print(flush=True)
    sys.stdin.readline()
"""


def copies(process: int, secret: bytes) -> int:
    """Return how often the bytes stand in what the process may write to."""
    found = 0
    with Path(f"/proc/{process}/maps").open() as maps, Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            area, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(part, 16) for part in area.split("-"))
                memory.seek(start)
                found += memory.read(end - start).count(secret)
    return found


def test_a_key_that_is_dropped_is_overwritten(tmp_path: Path) -> None:
    service = LocalKeyService.create(tmp_path / "platform")
    material, wrapped = service.generate(wrapping_context("one", 1))
    wrapping_key = extract_and_expand(material, encode(_LABEL, b"one", (1).to_bytes(4, "big")), 48)[:32]
    command = [sys.executable, "-c", KEEPER, str(tmp_path / "platform"), wrapped.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdin
        assert keeper.stdout
        keeper.stdout.readline()
        # It is there while it is kept, so it would be found: in OpenSSL's two contexts, and nowhere else.
        assert copies(keeper.pid, wrapping_key) == 2
        keeper.stdin.write("\n")
        keeper.stdin.flush()
        keeper.stdout.readline()
        assert not copies(keeper.pid, wrapping_key)
        keeper.stdin.write("\n")
