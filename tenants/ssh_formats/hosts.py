"""Known hosts: lines by which a build knows the servers that a key is for (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import re
from typing import Final

from tenants.errors import Invalid
from tenants.ssh_formats.container import Reader

MAX_BYTES: Final = 16 * 1024
MAX_LINES: Final = 100

_LINE: Final = re.compile(
    r"(?:@(?:cert-authority|revoked) )?"
    r"(?P<hosts>[!-~]{1,1000}) (?P<kind>[a-z0-9@.-]{1,64}) (?P<key>[A-Za-z0-9+/]+={0,2})(?: [^\x00-\x1f\x7f]*)?"
)
_KINDS: Final = re.compile(
    r"ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com"
)


def known_hosts(text: str, field: str = "known_hosts") -> str:
    """Return the lines, each ended. Raises Invalid with the number of the first line that ssh would not take."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Invalid({field: "Enter at most 16 KiB."})
    lines = [(number, " ".join(line.split())) for number, line in enumerate(text.split("\n"), 1)]
    kept = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if len(kept) > MAX_LINES:
        raise Invalid({field: f"Enter at most {MAX_LINES} lines."})
    for number, line in kept:
        if (reason := _wrong(line)) is not None:
            raise Invalid({field: f"Line {number}: {reason}"})
    return "".join(f"{line}\n" for _, line in kept)


def _wrong(line: str) -> str | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return "enter host, type and key, as ssh-keyscan prints them."
    if not _KINDS.fullmatch(found["kind"]):
        return f"{found['kind']} is no type of a host's key that is accepted."
    try:
        if Reader(base64.b64decode(found["key"])).string() == found["kind"].encode():
            return None
    except ValueError:
        pass
    return f"this is no {found['kind']} key."
