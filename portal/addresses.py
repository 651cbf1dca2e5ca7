"""What addresses are: the true one of a client behind proxies, and which are this machine's. Pure; no I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOBODY: Final = IPv4Address(0)  # a peer without an address (a socket file): one that matches nothing

# RFC 7239, sections 4 and 6, with RFC 9110's token (a word) and quoted-string (5.6.2, 5.6.4).
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'
_PAIR: Final = re.compile(rf"({_WORD})=({_WORD}|{_QUOTED})")
_PAIRS: Final = re.compile(rf"{_PAIR.pattern}(?:;{_PAIR.pattern})*")
_NODE: Final = re.compile(r"([0-9.]+|\[[0-9A-Fa-f:.]+\])(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]+))?")


def networks(listed: Sequence[str]) -> tuple[Network, ...]:
    """Read CIDR ranges. Raises ValueError for one that is none, or whose host bits are set."""
    return tuple(ip_network(item) for item in listed)


def parse(text: str) -> Address | None:
    """Read an address, also with a port or in brackets; an IPv4 address dressed as IPv6 is undressed."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(host: str) -> bool:
    """Say whether a URL's host is this machine, by a loopback address or as `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)


@dataclass(frozen=True)
class Hop:
    """Whom a proxy was asked by, and with which scheme; None and "" where it does not say, or not readably."""

    address: Address | None
    proto: str = ""


def forwarded(header: str) -> list[Hop]:
    """Read `Forwarded` (RFC 7239), one hop for each element. One that breaks the grammar says nothing.

    A comma ends an element also within quotes: whoever leaves a quote open can't swallow what a proxy appends.
    """
    return [_element(element.strip(" \t")) for element in header.split(",")]


def x_forwarded(forwarded_for: str, proto: str) -> list[Hop]:
    """Read `X-Forwarded-For` and `X-Forwarded-Proto`."""
    return [Hop(parse(entry), proto.strip().lower()) for entry in forwarded_for.split(",")]


def client(peer: str, hops: Sequence[Hop], trusted: Sequence[Network]) -> Hop:
    """Return the rightmost address that no trusted proxy has, walking from the peer backwards.

    Everything left of it was written by somebody who is not trusted. Where a hop has no address, the walk ends at
    the proxy that passed it on.
    """
    nearest = Hop(parse(peer) or _NOBODY)
    for hop in reversed(hops):
        if not is_trusted(nearest.address, trusted):
            break
        if hop.address is None:
            return Hop(nearest.address, hop.proto)
        nearest = hop
    return nearest


def _element(text: str) -> Hop:
    pairs = [(name.lower(), _unquoted(value)) for name, value in _PAIR.findall(text)] if _PAIRS.fullmatch(text) else []
    said = dict(pairs)
    if len(said) < len(pairs):  # RFC 7239, 4: no parameter comes twice
        return Hop(None)
    node = _NODE.fullmatch(said.get("for", ""))
    return Hop(parse(node[1]) if node else None, said.get("proto", "").lower())


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
