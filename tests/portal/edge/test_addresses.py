"""Whose address it is: tables of what a client may forge and what a trusted proxy says."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from portal import addresses

TRUSTED = addresses.networks(["10.0.0.0/8", "fd00::/8"])
EVIL = "203.0.113.66"
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
    assert addresses.client(peer, forwarded_for, TRUSTED) == client


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


@override_settings(TRUSTED_PROXIES=["198.51.0.0/16"])
def test_a_trusted_proxy_is_believed_in_its_own_two_headers(client: Client) -> None:
    request = client.get("/health/live", headers=FORGED | {"X-Forwarded-For": f"{EVIL}, 203.0.113.5"}).wsgi_request
    assert request.META["REMOTE_ADDR"] == "203.0.113.5"
    assert request.is_secure()
    assert "evil" not in request.get_host()


@override_settings(TRUSTED_PROXIES=["198.51.0.0/16"])
@pytest.mark.parametrize("proto", ["", "http", "https, http", "ftp", "on"])
def test_only_https_is_https(client: Client, proto: str) -> None:
    assert not client.get("/health/live", headers={"X-Forwarded-Proto": proto}).wsgi_request.is_secure()
