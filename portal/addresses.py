"""The true address of a client behind proxies, from the one header that a trusted proxy appends to. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


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


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)


def client(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the rightmost address that no trusted proxy has, walking from the peer backwards.

    Everything left of it was written by somebody who is not trusted. Where an entry is no address, the walk ends at
    the proxy that passed it on.
    """
    nearest = parse(peer)
    if nearest is None:
        return "0.0.0.0"  # noqa: S104 - no address at all (a socket file): one that matches nothing
    for entry in reversed(forwarded_for.split(",")):
        before = parse(entry)
        if not is_trusted(nearest, trusted) or before is None:
            break
        nearest = before
    return str(nearest)
