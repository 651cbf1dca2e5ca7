"""Whose address it is: tables of what a client may forge and what a trusted proxy says."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from django.test import Client, override_settings

from portal import addresses
from portal.addresses import Hop

TRUSTED = addresses.networks(["10.0.0.0/8", "fd00::/8"])
EVIL = "203.0.113.66"
PROXY = "10.0.0.1"
NOBODY = "0.0.0.0"  # noqa: S104 - what a peer without an address is taken for


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "192.0.2.1", "203.0.113.5"),  # the peer is nobody to be believed
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", f"{EVIL}, 203.0.113.5", "203.0.113.5"),  # what the client wrote stands left
        ("10.0.0.1", f"{EVIL}, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.1", f"10.0.0.9, {EVIL}, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.5:4711", "203.0.113.5"),
        ("10.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", f"{EVIL}, unknown", "10.0.0.1"),
        ("10.0.0.1", f"{EVIL}, ", "10.0.0.1"),
        ("10.0.0.1", f"{EVIL}, 203.0.113.5', 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("", EVIL, NOBODY),
        ("unix:", EVIL, NOBODY),
    ],
)
def test_the_client_is_the_rightmost_that_nobody_trusted_wrote(peer: str, forwarded_for: str, client: str) -> None:
    assert str(addresses.client(peer, addresses.x_forwarded(forwarded_for, ""), TRUSTED).address) == client


@pytest.mark.parametrize(
    ("header", "client", "proto"),
    [
        ("for=203.0.113.5;proto=https", "203.0.113.5", "https"),
        ("For=203.0.113.5;Proto=HTTPS", "203.0.113.5", "https"),
        ("proto=https;by=_edge;for=203.0.113.5;host=bulkhead.example", "203.0.113.5", "https"),
        ('for="203.0.113.5:4711"', "203.0.113.5", ""),
        ('for="203.0.113.5:_port"', "203.0.113.5", ""),
        ('for="[2001:db8::5]";proto=https', "2001:db8::5", "https"),
        ('for="[2001:db8::5]:4711"', "2001:db8::5", ""),
        (r'for="203\.0.113.5"', "203.0.113.5", ""),
        (f"for={EVIL}, for=203.0.113.5", "203.0.113.5", ""),
        (f"for={EVIL}, for=203.0.113.5, for=10.0.0.2", "203.0.113.5", ""),
        # The scheme is the client's, not that between two proxies.
        ("for=203.0.113.5;proto=https, for=10.0.0.2;proto=http", "203.0.113.5", "https"),
        (f"for={EVIL};proto=https, for=203.0.113.5", "203.0.113.5", ""),
        ("for=unknown;proto=https", PROXY, "https"),
        ("for=_hidden;proto=https", PROXY, "https"),
        ("proto=https", PROXY, "https"),
        # A quote that is left open swallows nothing of what the proxy appends.
        (f'for={EVIL};x=", for=203.0.113.5', "203.0.113.5", ""),
        (f'for={EVIL};x=", for="[2001:db8::5]"', "2001:db8::5", ""),
        # What breaks the grammar says nothing: a host that the client chose, written into a quoted value, among it.
        (f'for=203.0.113.5;host="a,for={EVIL}"', PROXY, ""),
        (f'for=203.0.113.5;host="a,for={EVIL};x="', PROXY, ""),
        (f"for=203.0.113.5;for={EVIL};proto=https", PROXY, ""),
        ("for=203.0.113.5;proto=https;proto=http", PROXY, ""),
        ("for=203.0.113.5 ;proto=https", PROXY, ""),
        ("for = 203.0.113.5", PROXY, ""),
        ("for=203.0.113.5:4711", PROXY, ""),
        ("for=[2001:db8::5]", PROXY, ""),
        ('for="2001:db8::5"', PROXY, ""),
        ('for="[2001:db8::5]x"', PROXY, ""),
        ('for="203.0.113.5', PROXY, ""),
        ("for=203.0.113.05", PROXY, ""),
        ("203.0.113.5", PROXY, ""),
        ("", PROXY, ""),
    ],
)
def test_forwarded_is_read_to_the_letter(header: str, client: str, proto: str) -> None:
    found = addresses.client(PROXY, addresses.forwarded(header), TRUSTED)
    assert (str(found.address), found.proto) == (client, proto)
    assert addresses.client("203.0.113.9", addresses.forwarded(header), TRUSTED) == Hop(IPv4Address("203.0.113.9"))


@pytest.mark.parametrize("listed", ["10.0.0.1/8", "everything", "10.0.0.0/33", ""])
def test_what_is_no_range_is_an_error(listed: str) -> None:
    with pytest.raises(ValueError, match=r"network|host bits"):
        addresses.networks([listed])


FORGED = {
    "X-Forwarded-For": EVIL,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Real-IP": EVIL,
    "Forwarded": f"for={EVIL};proto=https;host=evil.example",
    "CF-Connecting-IP": EVIL,
    "True-Client-IP": EVIL,
    "X-Client-IP": EVIL,
}


def test_nothing_that_a_client_sends_changes_who_or_how_it_is(client: Client, address: str) -> None:
    request = client.get("/health/live", headers=FORGED).wsgi_request
    assert (request.address, request.META["REMOTE_ADDR"]) == (address, address)  # type: ignore[attr-defined]
    assert not request.is_secure()
    assert request.get_host() == "testserver"


BEHIND_A_PROXY = override_settings(TRUSTED_PROXIES=["198.51.0.0/16"])
BEHIND_AN_OLDER_PROXY = override_settings(TRUSTED_PROXIES=["198.51.0.0/16"], FORWARDED_HEADER="X-Forwarded-For")


@BEHIND_A_PROXY
def test_a_trusted_proxy_is_believed_in_forwarded_alone(client: Client) -> None:
    said = {"Forwarded": f"for={EVIL};proto=http, for=203.0.113.5;proto=https;host=evil.example"}
    request = client.get("/health/live", headers=FORGED | said).wsgi_request
    assert request.META["REMOTE_ADDR"] == "203.0.113.5"
    assert request.is_secure()
    assert "evil" not in request.get_host()


@BEHIND_A_PROXY
def test_headers_that_have_a_twin_are_ignored(client: Client, address: str) -> None:
    request = client.get("/health/live", headers={**FORGED, "Forwarded": ""}).wsgi_request
    assert request.META["REMOTE_ADDR"] == address
    assert not request.is_secure()


@BEHIND_AN_OLDER_PROXY
def test_an_older_proxy_is_believed_in_its_own_two_headers(client: Client) -> None:
    request = client.get("/health/live", headers=FORGED | {"X-Forwarded-For": f"{EVIL}, 203.0.113.5"}).wsgi_request
    assert request.META["REMOTE_ADDR"] == "203.0.113.5"
    assert request.is_secure()
    assert "evil" not in request.get_host()


@pytest.mark.parametrize("proto", ["", "http", "https, http", "ftp", "on"])
def test_only_https_is_https(client: Client, proto: str) -> None:
    with BEHIND_AN_OLDER_PROXY:
        assert not client.get("/health/live", headers={"X-Forwarded-Proto": proto}).wsgi_request.is_secure()
    with BEHIND_A_PROXY:
        assert not client.get("/health/live", headers={"Forwarded": f'proto="{proto}"'}).wsgi_request.is_secure()
