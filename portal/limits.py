"""Rate limits (django-ratelimit), shared by all web servers in Redis, by true client address and by account.

A fixed window lets twice its limit through in a burst across its end. So each limit is counted twice, in windows that
end half a period apart, and both have to agree. What is refused is not counted: whoever is too fast is slowed down to
the limit, not shut out. django-ratelimit names the counters and says when they end; Redis counts them all at once.

Who is known is limited by account, and their address together with everybody behind it; who isn't, by address alone.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast

from cachetools import LRUCache
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError, TimeoutError  # noqa: A004 - named like Python's own

from portal.caches import Redis

if TYPE_CHECKING:
    from redis.connection import AbstractConnection

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
T = TypeVar("T")

# How many accounts' worth one address may use: an office or a CI behind NAT is many people, of whom each has a limit of
# their own; without a bound, whoever makes accounts would multiply it. Of use without an account this counts nothing:
# of another rate are other counters, so neither uses up the other.
ACCOUNTS_AN_ADDRESS: Final = 10

_PERIODS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# In one step, so that neither a crash nor another web server comes between: count one use, if no counter is full.
_COUNT: Final = """
local counts, full = redis.call('MGET', unpack(KEYS)), false
for index, count in ipairs(counts) do
    counts[index] = tonumber(count or 0)
    full = full or counts[index] >= tonumber(ARGV[index + 1])
end
if not full then
    for _, key in ipairs(KEYS) do
        redis.call('INCR', key)
        redis.call('EXPIRE', key, ARGV[1])
    end
end
return counts
"""


_SHA: Final = hashlib.sha1(_COUNT.encode(), usedforsecurity=False).hexdigest()  # what Redis calls a script by


@dataclass(frozen=True, slots=True)
class Window:
    """A counter as django-ratelimit names it, until the window `ends` (seconds since the epoch)."""

    counter: str
    kept: int
    limit: int
    ends: int


class Counters(Redis):
    """The cache of django-ratelimit: notes the counter that it names, for `count` to count several in one command."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._noted = ("", 0)
        self._connection: AbstractConnection | None = None

    def add(self, key: str, value: Any, timeout: float | None = None, version: int | None = None) -> bool:
        self._noted = self.make_and_validate_key(key, version=version), int(timeout or 0)
        return True

    def noted(self) -> tuple[str, int]:
        """Return the counter that was named last, and the seconds that it is kept for."""
        return self._noted

    def count(self, several: Sequence[Sequence[Window]]) -> list[list[int]]:
        """Return how often each window was used before now; each is used once more if none beside it was full.

        All in one round trip, each of `several` as if it came alone. Raises RedisError, at the second attempt.
        """
        commands = [("EVALSHA", _SHA, *_arguments(each)) for each in several]
        try:
            answers = self._send(commands)
        except (ConnectionError, TimeoutError):
            answers = self._send(commands)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # a server that started anew
            answers = self._send([("EVAL", _COUNT, *_arguments(each)) for each in several])
        for answer in answers:
            if isinstance(answer, RedisError):
                # A server that was made a replica keeps its connections: behind its name may be another by now.
                self._drop()
                raise answer
        return cast(list[list[int]], answers)

    def _send(self, commands: Sequence[tuple[str | int, ...]]) -> list[list[int] | RedisError]:
        """Send commands over a connection that is this thread's own: the client's pool would cost more than they do."""
        connection = self._connection or self._connect()
        try:
            packed = connection.pack_commands(commands)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            connection.send_packed_command(packed)  # type: ignore[no-untyped-call]  # the same
            return [_answer(connection) for _ in commands]
        except BaseException:  # an answer that is left to be read would be the next request's
            self._drop()
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    def _connect(self) -> AbstractConnection:
        pool = self._cache.get_client(write=True).connection_pool
        self._connection = cast("AbstractConnection", pool.make_connection())
        return self._connection


def _arguments(windows: Sequence[Window]) -> list[str | int]:
    kept = max(window.kept for window in windows)
    return [len(windows), *[window.counter for window in windows], kept, *[window.limit for window in windows]]


def _answer(connection: AbstractConnection) -> list[int] | RedisError:
    """Read one answer; what the server says of one command leaves the next one's to be read."""
    try:
        return cast(list[int], connection.read_response())
    except ResponseError as error:
        return error


_windows: Final[LRUCache[tuple[str, str, str], Window]] = LRUCache(maxsize=8192)
_lock: Final = Lock()


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
    """Count one use by the client's address and by each of `accounts`. Raises as `spend_by` does."""
    spend_by(request.META["REMOTE_ADDR"], group, *accounts)


def spend_by(address: str, group: str, *accounts: str) -> None:
    """Count one use by an address and by each of `accounts`, of which one address may use many.

    Raises TooMany when one of them has used up its limit, and RedisError when that can't be known.
    """
    [refused] = spend_each(group, [(address, accounts)])
    if refused:
        raise refused


def spend_each(group: str, uses: Sequence[tuple[str, Sequence[str]]]) -> list[TooMany | None]:
    """Count several uses, each by an address and accounts, and return which were too many. Raises RedisError."""
    rate, now = settings.RATES[group], int(time.time())
    counters = cast(Counters, caches[settings.RATELIMIT_USE_CACHE])
    placed = [_windows_of(group, address, accounts, rate, now) for address, accounts in uses]
    counts = counters.count(placed)
    return [_too_many(windows, count, now) for windows, count in zip(placed, counts, strict=True)]


def _windows_of(group: str, address: str, accounts: Sequence[str], rate: str, now: int) -> list[Window]:
    counted = [(f"address {_network(address)}", _shared(rate) if accounts else rate)]
    counted += [(account, rate) for account in accounts]
    named = [(value, own) for each, own in counted for value in (each, _opposite(each, _period(own)))]
    return [_window(group, value, own, now) for value, own in named]


def _too_many(windows: Sequence[Window], counts: Sequence[int], now: int) -> TooMany | None:
    waits = [window.ends - now for window, count in zip(windows, counts, strict=True) if count >= window.limit]
    return TooMany(max(1, *waits)) if waits else None


def _window(group: str, value: str, rate: str, now: int) -> Window:
    """Return the window that `now` is in: asked for once, because names and ends don't change within it."""
    with _lock:
        known: Window | None = _windows.get((group, value, rate))
    if known is not None and known.ends - _period(rate) < now <= known.ends:
        return known
    usage = get_usage(None, group=group, key=lambda *_: value, rate=rate, increment=True)
    counter, kept = cast(Counters, caches[settings.RATELIMIT_USE_CACHE]).noted()
    window = Window(counter, kept, usage["limit"], now + usage["time_left"])
    with _lock:
        _windows[group, value, rate] = window
    return window


@lru_cache(maxsize=64)
def _shared(rate: str) -> str:
    """Return the rate of an address that several accounts may be behind."""
    count, _, period = rate.partition("/")
    return f"{int(count) * ACCOUNTS_AN_ADDRESS}/{period}"


@lru_cache(maxsize=4096)
def _network(text: str) -> str:
    """Return what counts as one client: an IPv4 address, or a /64 of IPv6, which one subscriber has all of."""
    address = ip_address(text)
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
