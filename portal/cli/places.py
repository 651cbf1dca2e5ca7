"""Which portal and which tenant a command means, and where its files live."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from portal.addresses import is_loopback
from portal.cli.failures import Code, Failure

SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")


def directory() -> Path:
    """Return BULKHEAD_CONFIG_DIR, else `bulkhead` in XDG_CONFIG_HOME, else in ~/.config."""
    if own := os.environ.get("BULKHEAD_CONFIG_DIR"):
        return Path(own)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "bulkhead"


def origin(url: str) -> str:
    """Return the portal's origin. Plain http is for this machine alone: a token must not cross a network in clear."""
    parts = urlsplit(url if "//" in url else f"https://{url}")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    plain = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in {"https", "http"} or not host or not plain:
        raise Failure(Code.USAGE, "the portal must be an address such as https://portal.example.com")
    if parts.scheme == "http" and not is_loopback(host):
        raise Failure(Code.USAGE, "the portal must be reached over https; plain http is for 127.0.0.1 alone")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise Failure(Code.USAGE, "a tenant is named by its slug: lower-case letters, digits and hyphens, 40 at most")
    return text
