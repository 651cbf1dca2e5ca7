"""Rate limits (django-ratelimit), shared by all web servers in Redis, by true client address and by account.

A fixed window lets twice its limit through in a burst across its end. So each limit is counted twice, in windows that
end half a period apart, and both have to agree. What is refused is not counted: whoever is too fast is slowed down to
the limit, not shut out. django-ratelimit names the counters and says when they end; Redis counts them all at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache, wraps
from ipaddress import ip_address, ip_network
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from portal.caches import Redis

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
T = TypeVar("T")

_PERIODS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# In one step, so that neither a crash nor another web server comes between: count one use, if no counter is full.
_COUNT: Final = """
local counts, full = redis.call('MGET', unpack(KEYS)), false
for index, count in ipairs(counts) do
    counts[index] = tonumber(count or 0)
    full = full or counts[index] >= tonumber(ARGV[1])
end
if not full then
    for _, key in ipairs(KEYS) do
        redis.call('INCR', key)
        redis.call('EXPIRE', key, ARGV[2])
    end
end
return counts
"""


class Counters(Redis):
    """The cache of django-ratelimit: notes each counter that it names, for `count` to count them in one command."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._noted: list[tuple[str, int]] = []

    def add(self, key: str, value: Any, timeout: float | None = None, version: int | None = None) -> bool:
        self._noted.append((self.make_and_validate_key(key, version=version), int(timeout or 0)))
        return True

    def count(self, limit: int) -> list[int]:
        """Return how often each noted counter was used before now; each is used once more if none reached `limit`.

        Raises RedisError.
        """
        noted, self._noted = self._noted, []
        script = self._cache.get_client(write=True).register_script(_COUNT)
        return cast(list[int], script([key for key, _ in noted], [limit, max(timeout for _, timeout in noted)]))


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
    counted = [f"address {network(request)}", *accounts]
    windows = [window for value in counted for window in (value, _opposite(value, _period(rate)))]
    usages = [
        get_usage(request, group=group, key=lambda *_, value=value: value, rate=rate, increment=True)
        for value in windows
    ]
    limit = usages[0]["limit"]
    counts = cast(Counters, caches[settings.RATELIMIT_USE_CACHE]).count(limit)
    waits = [usage["time_left"] for usage, count in zip(usages, counts, strict=True) if count >= limit]
    if waits:
        raise TooMany(max(1, *waits))


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
