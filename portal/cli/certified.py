"""A certificate for one build, and the key that it is for: both in the memory of the build's agent, in no file.

The certificate lasts minutes, a build may last hours. While the command runs, the same key is certified anew each time
half of that is over; when the build has ended, the portal certifies nothing, and the agent is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Final

from portal.cli import identities, output
from portal.cli.failures import Failure

_RETRY: Final = 30.0  # seconds
_LONGEST: Final = 24 * 3600.0

Certify = Callable[[str], dict[str, Any]]  # from a public key, one line, to the API's answer


@contextmanager
def certified(certify: Certify, path: str) -> Iterator[None]:
    """Have a new key in the agent at the socket `path`, certified at once and again until this ends. Raises Failure."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - of few commands
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - the same

    key = Ed25519PrivateKey.generate()
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def anew() -> float:
        """Return after how many seconds to come again."""
        issued = certify(line)
        left = max(1, int(issued["expires_in"]))  # the clock here may be wrong
        public = key.public_key().public_bytes_raw()
        identities.add_certified(key.private_bytes_raw(), public, issued["certificate"], left, path)
        return left / 2

    over = Event()
    renewing = Thread(target=_renew, args=(anew, anew(), over), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()


def _renew(anew: Callable[[], float], wait: float, over: Event) -> None:
    while not over.wait(min(max(wait, 1.0), _LONGEST)):
        try:
            wait = anew()
        except Failure as failure:
            if not over.is_set():
                output.complain(f"warning: the SSH certificate was not renewed: {failure.message}")
            wait = _RETRY
