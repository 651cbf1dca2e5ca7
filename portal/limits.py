"""Rate limits (django-ratelimit), shared by all web servers in Redis, by true client address and by account.

A fixed window lets twice its limit through in a burst across its end. So each limit is counted twice, in windows that
end half a period apart, and both have to agree.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache, wraps
from ipaddress import ip_address, ip_network
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
T = TypeVar("T")

_PERIODS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TooMany(Exception):  # noqa: N818 - a verdict
    """The limit is used up for `seconds` more."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} seconds")
        self.seconds = seconds


def limited(group: str) -> Callable[[Callable[Concatenate[R, P], T]], Callable[Concatenate[R, P], T]]:
    """Guard a view by `settings.RATES[group]`: each address, and each account that is signed in, has its own count."""

    def guard(view: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
        @wraps(view)
        def guarded(request: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
            person = getattr(request, "person", None)
            spend(request, group, *([f"account {person.pk}"] if person is not None else []))
            return view(request, *args, **kwargs)

        return guarded

    return guard


def spend(request: HttpRequest, group: str, *accounts: str) -> None:
    """Count one use by the client's address and by each of `accounts`.

    Raises TooMany when one of them has used up its limit, and RedisError when that can't be known.
    """
    rate = settings.RATES[group]
    for counted in (f"address {network(request)}", *accounts):
        for window in (counted, _opposite(counted, _period(rate))):
            usage = get_usage(request, group=group, key=lambda *_, value=window: value, rate=rate, increment=True)
            if usage is None or usage["time_left"] < 0:
                raise RedisError("the count can't be kept")
            if usage["should_limit"]:
                raise TooMany(max(1, usage["time_left"]))


def network(request: HttpRequest) -> str:
    """Return what counts as one client: an IPv4 address, or a /64 of IPv6, which one subscriber has all of."""
    address = ip_address(request.META["REMOTE_ADDR"])
    return str(ip_network(f"{address}/{64 if address.version == 6 else 32}", strict=False))  # noqa: PLR2004 - IPv6


def _period(rate: str) -> int:
    """Return the seconds of a rate such as `20/m`, as django-ratelimit writes them."""
    return _PERIODS[rate[-1]]


@lru_cache(maxsize=4096)
def _opposite(value: str, period: int) -> str:
    """Return another name for `value` whose window ends about half a period away: django-ratelimit places it by CRC."""

    def distance(name: str) -> float:
        apart = (zlib.crc32(name.encode()) - zlib.crc32(value.encode())) % period
        return abs(apart - period / 2)

    return min((f"{value} ~{number}" for number in range(16)), key=distance)
