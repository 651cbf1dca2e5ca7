"""When compartments are proven: every night, in slices short enough for what waits behind them in the queue."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

AT: Final = time(2, 30)  # UTC
FRESH: Final = timedelta(hours=20)  # a proof younger than this was made this night
SLICE_SECONDS: Final = 20.0  # far below the broker's visibility timeout, after which a slice would be given out again


def next_run(now: datetime) -> datetime:
    """Return when the next night begins, after the aware UTC time `now`."""
    tonight = datetime.combine(now.date(), AT, now.tzinfo)
    return tonight if tonight > now else tonight + timedelta(days=1)
