"""Giving an SSH agent a key, and a certificate for it, over its socket: nothing goes through a file or a program.

The agent's protocol is draft-ietf-sshm-ssh-agent. Of a plain key it takes what OpenSSH's own format holds of it (see
PROTOCOL.key there), field by field; the comment is what `ssh-add -l` shows, here the key's name.
"""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from portal.cli.failures import Code, Failure

_ADD: Final = b"\x19"  # SSH_AGENTC_ADD_ID_CONSTRAINED
_LIFETIME: Final = b"\x01"  # SSH_AGENT_CONSTRAIN_LIFETIME
_SUCCESS: Final = b"\x06"
_MAGIC: Final = b"openssh-key-v1\x00"
_PLAIN: Final = (b"none", b"none", b"")  # cipher, key derivation and its options: no passphrase
_FIELDS: Final = {b"ssh-ed25519": 2, b"ssh-rsa": 6}  # else ECDSA: curve, point, number
_PATIENCE: Final = 10.0  # seconds


def add(private: str, name: str, lifetime: int, path: str) -> None:
    """Give the agent at the socket `path` a private key in OpenSSH format, for `lifetime` seconds. Raises Failure."""
    try:
        kind, *fields = _opened(private)
    except (ValueError, IndexError):
        raise Failure(Code.FAILED, f"{name} is refused: no key in OpenSSH format without a passphrase") from None
    _give(b"".join(map(_string, (kind, *fields, name.encode()))), lifetime, path)


def add_certified(seed: bytes, public: bytes, certificate: str, lifetime: int, path: str) -> None:
    """Give it an Ed25519 key with its certificate, one line as in a -cert.pub file. Raises Failure."""
    kind, blob = certificate.split()[:2]
    parts = (kind.encode(), b64decode(blob), public, seed + public, b"certificate")
    _give(b"".join(map(_string, parts)), lifetime, path)


def _opened(private: str) -> list[bytes]:
    """Return the key's kind and fields, as the agent takes them. Raises ValueError, IndexError."""
    lines = private.strip().splitlines()
    if "OPENSSH PRIVATE KEY" not in lines[0]:
        raise ValueError
    packed = b64decode("".join(lines[1:-1]), validate=True)
    if not packed.startswith(_MAGIC):
        raise ValueError
    strings = _strings(packed[len(_MAGIC) :])
    if tuple(next(strings, None) for _ in _PLAIN) != _PLAIN:
        raise ValueError
    head = len(_MAGIC) + sum(4 + len(part) for part in _PLAIN)
    halves = list(_strings(packed[head + 4 :]))  # after the number of keys, one
    inner = _strings(halves[1][8:])  # after the number that is there twice
    kind = next(inner)
    return [kind, *(next(inner) for _ in range(_FIELDS.get(kind, 3)))]


def _strings(data: bytes) -> Iterator[bytes]:
    """Yield the strings (RFC 4251, section 5) that stand at the beginning; raises ValueError for one that is cut."""
    while data:
        size = int.from_bytes(data[:4])
        if len(data) < 4 + size:
            raise ValueError
        yield data[4 : 4 + size]
        data = data[4 + size :]


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def _give(key: bytes, lifetime: int, path: str) -> None:
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(_PATIENCE)
            agent.connect(path)
            agent.sendall(_string(_ADD + key + _LIFETIME + lifetime.to_bytes(4)))
            answer = agent.recv(5)
    except OSError as error:
        raise Failure(Code.FAILED, f"the SSH agent can't be reached: {error.strerror or error}") from None
    if answer[4:] != _SUCCESS:
        raise Failure(Code.FAILED, "the SSH agent refused the key")
