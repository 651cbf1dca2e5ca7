"""Rate limits: by true address, by account, across the end of a window, and on all web servers together."""

from __future__ import annotations

import time
from zlib import crc32

import pytest
from django.test import Client, RequestFactory, override_settings
from redis.connection import AbstractConnection
from redis.exceptions import ResponseError

from portal import limits
from portal.limits import TooMany, spend

FIVE = override_settings(RATES={"sign-in": "5/m", "api": "5/m", "device": "5/m"})


def spent(address: str, *accounts: str, group: str = "sign-in") -> bool:
    """Count one use and say whether the limit is used up."""
    try:
        spend(RequestFactory().get("/", REMOTE_ADDR=address), group, *accounts)
    except TooMany:
        return True
    return False


@FIVE
def test_the_sixth_attempt_waits(client: Client) -> None:
    answers = [client.post("/sign-in/github/begin/") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert client.get("/sign-in/").status_code == 200, "reading costs nothing"


@FIVE
def test_coming_back_from_the_provider_is_limited_too(client: Client) -> None:
    answers = [client.get("/sign-in/github/complete/").status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]


@FIVE
@pytest.mark.parametrize(("header", "value"), [("Forwarded", "for=192.0.2.{}"), ("X-Forwarded-For", "192.0.2.{}")])
def test_a_forged_address_does_not_help(client: Client, header: str, value: str) -> None:
    for number in range(5):
        client.post("/sign-in/github/begin/", headers={header: value.format(number)})
    assert client.post("/sign-in/github/begin/", headers={header: value.format(9)}).status_code == 429


@FIVE
def test_addresses_do_not_share(address: str) -> None:
    assert not any(spent(address) for _ in range(5))
    assert spent(address)
    assert not spent("203.0.113.77", group="device")


@FIVE
def test_a_whole_ipv6_subscriber_is_one_client(address: str) -> None:
    network = "2001:db8:{:x}:{:x}".format(*map(int, address.split(".")[2:]))
    assert not any(spent(f"{network}::{number}") for number in range(1, 6))
    assert spent(f"{network}:ffff::6")


@FIVE
def test_an_account_is_limited_from_wherever_it_calls(address: str) -> None:
    prefix = address.rpartition(".")[0]
    account = f"account {address}"
    assert not any(spent(f"{prefix}.{number}", account, group="api") for number in range(5))
    assert spent(f"{prefix}.200", account, group="api")


@FIVE
def test_a_burst_across_the_end_of_a_window_counts_as_one(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("django_ratelimit.core.time.time", lambda: now[0])
    start = time.time() // 60 * 60 + 600
    for second in range(60):  # whichever second this address's window ends in
        now[0] = start + 120 * second + second
        let_through = sum(not spent(address) for _ in range(5))
        now[0] += 1
        let_through += sum(not spent(address) for _ in range(5))
        assert let_through <= 5, second


@FIVE
def test_what_is_refused_is_not_counted(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who never stops asking gets the limit in each period, and neither nothing nor more."""
    now = [time.time() // 60 * 60 + 600.0]
    monkeypatch.setattr("django_ratelimit.core.time.time", lambda: now[0])
    let_through = 0
    for _ in range(5 * 60):
        let_through += not spent(address)
        now[0] += 1
    assert 4 * 5 <= let_through <= 6 * 5


@FIVE
def test_people_of_one_address_have_an_allowance_each(address: str) -> None:
    for person in ("ada", "grace"):
        assert [spent(address, f"account {person} {address}") for _ in range(6)] == [False] * 5 + [True]


@FIVE
def test_one_address_has_ten_accounts_worth(address: str) -> None:
    """However many accounts somebody makes there."""
    refused = [spent(address, f"account {number} {address}") for number in range(60)]
    assert refused == [False] * 5 * limits.ACCOUNTS_AN_ADDRESS + [True] * 10


@FIVE
def test_who_is_unknown_does_not_use_up_what_is_known_peoples(address: str) -> None:
    """Nor the other way round."""
    assert [spent(address) for _ in range(6)] == [False] * 5 + [True]
    assert not any(spent(address, f"account {number} {address}") for number in range(50))
    another = address.replace("198.51", "198.18")
    assert not any(spent(another, f"account {number} {another}") for number in range(50))
    assert [spent(another) for _ in range(6)] == [False] * 5 + [True]


@FIVE
def test_one_limit_that_is_used_up_does_not_use_up_another(address: str) -> None:
    account, elsewhere = f"account {address}", address.replace("198.51", "198.18").rpartition(".")[0]
    assert not any(spent(address, f"account {number} {address}") for number in range(50))
    assert all(spent(address, account) for _ in range(9))
    assert [spent(f"{elsewhere}.{number}", account) for number in range(6)] == [False] * 5 + [True]


def test_a_use_costs_one_trip_to_redis(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many counters there are: two for the address, two for the account."""
    spent(address)  # the connection and the script are there from now on
    sent: list[bytes] = []
    send = AbstractConnection.send_packed_command

    def counting(self: AbstractConnection, command: list[bytes], **options: bool) -> None:
        sent.extend(command)
        send(self, command, **options)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)
    for _ in range(2):
        spent(address, f"account {address}", group="api")
    assert [b"EVALSHA" in command for command in sent] == [True, True]
    sent.clear()
    assert limits.spend_each("api", [(address, [f"account {number}"]) for number in range(3)]) == [None] * 3
    assert [command.count(b"EVALSHA") for command in sent] == [3]


@FIVE
def test_several_uses_are_counted_as_if_they_came_one_by_one(address: str) -> None:
    prefix, account = address.rpartition(".")[0], f"account {address}"
    uses = [(f"{prefix}.{number}", [account if number else "account of another"]) for number in range(8)]
    refused = limits.spend_each("api", uses)
    assert [each is not None for each in refused] == [False] + [False] * 5 + [True] * 2


@FIVE
def test_an_answer_that_was_not_read_is_nobody_elses(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = f"account {address}"
    for _ in range(5):
        spent(address, account, group="api")

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "read_response", fail)
        with pytest.raises(MemoryError):
            spent(address, account, group="api")
    assert not spent(address, "account of another", group="api")
    assert spent(address, account, group="api")


def test_a_server_that_refuses_is_looked_for_anew(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was made a replica keeps its connections, and refuses over each of them for as long as it lives."""
    spent(address)
    connected: list[AbstractConnection] = []
    connect = AbstractConnection.connect_check_health

    def counting(self: AbstractConnection, **options: bool) -> None:
        connected.append(self)
        connect(self, **options)

    monkeypatch.setattr(AbstractConnection, "connect_check_health", counting)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "_arguments", lambda _: [])
        with pytest.raises(ResponseError):
            spent(address)
    assert not spent(address)
    assert len(connected) == 1


@pytest.mark.parametrize("period", [60, 3600])
def test_the_two_windows_end_about_half_a_period_apart(period: int) -> None:
    for number in range(200):
        value = f"address 198.51.100.{number}"
        apart = (crc32(limits._opposite(value, period).encode()) - crc32(value.encode())) % period
        assert period / 4 <= apart <= period * 3 / 4
