"""Domains as the DNS spells them, so that two spellings of one are compared as one. Pure; no I/O."""

from __future__ import annotations

import idna


def ascii_domain(domain: str) -> str | None:
    """Return the domain in ASCII (IDNA 2008 with UTS 46 mapping), or None where it has no such spelling."""
    try:
        return idna.encode(domain.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        return None
