"""Charts of usage: bars by day, as numbers for an SVG. Presentation attributes alone, since a style would be inline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.template.defaultfilters import filesizeformat

from tenants.actions.usage import Day

STEP: Final = 10  # units from one bar to the next
GAP: Final = 2
HEIGHT: Final = 1000
LEAST: Final = 20  # what was used at all is seen


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: int
    height: int
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One number by day; `about` says in words what the bars show."""

    key: str
    title: str
    total: str
    about: str
    bars: list[Bar]
    width: int
    first: date
    last: date


Value = Callable[[Day], int]
Form = Callable[[int], str]


def _number(value: int) -> str:
    return f"{value:,}"


def _size(value: int) -> str:
    return str(filesizeformat(value)).replace("\N{NO-BREAK SPACE}", " ")


CHARTS: Final[Sequence[tuple[str, str, Value, Form]]] = (
    ("builds", "Builds", lambda day: day.sums.builds, _number),
    ("reads", "Secret reads", lambda day: day.sums.reads, _number),
    ("messages", "Messages sent", lambda day: day.sums.sent, _number),
    ("bytes", "Bytes sent", lambda day: day.sums.sent_bytes, _size),
    ("received", "Messages received", lambda day: day.sums.received, _number),
    ("members", "Active members", lambda day: day.members, _number),
)


def charts(days: Sequence[Day]) -> list[Chart]:
    """Return a chart of each number; `days` are at least one, oldest first."""
    return [_chart(days, *each) for each in CHARTS]


def _chart(days: Sequence[Day], key: str, title: str, value: Value, form: Form) -> Chart:
    values = [value(day) for day in days]
    most = max(values)
    at = days[values.index(most)].day
    # Who is active on two days is one person: a sum of people would be of nobody.
    total = f"{form(most)} at most" if key == "members" else form(sum(values))
    about = f"{total}. The most in one day: {form(most)}, on {_day(at)}." if most else "None."
    return Chart(
        key=key,
        title=title,
        total=total if most else form(0),
        about=f"{title} by day, {_day(days[0].day)} to {_day(days[-1].day)}: {about}",
        bars=[
            _bar(number, each, most, f"{_day(day.day)}: {form(each)}")
            for number, (day, each) in enumerate(zip(days, values, strict=True))
            if each
        ],
        width=len(days) * STEP,
        first=days[0].day,
        last=days[-1].day,
    )


def _bar(number: int, value: int, most: int, words: str) -> Bar:
    height = max(LEAST, value * HEIGHT // most)
    return Bar(number * STEP + GAP // 2, HEIGHT - height, height, words)


def _day(day: date) -> str:
    return day.strftime("%-d %b %Y")
