"""Where to go after signing in: a path of the portal's own, or nowhere in particular."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 512

# One slash, then anything but another one: neither `//evil`, nor `/\\evil` (which browsers read as `//evil`), nor a
# control character (which browsers drop: `/\t/evil`), nor a percent-encoded one, slash or backslash in front.
_LOCAL: Final = re.compile(r"/(?!/)(?!%(?:0[0-9a-f]|1[0-9a-f]|2f|5c|7f))[!#-;=?-\[\]_a-z~%]*", re.IGNORECASE | re.ASCII)


def local_path(given: str | None, default: str = "/") -> str:
    """Return `given` if it is a path of ours, else `default`; a doubtful one is not repaired."""
    if given and len(given) <= MAX_LENGTH and _LOCAL.fullmatch(given):
        return given
    return default
