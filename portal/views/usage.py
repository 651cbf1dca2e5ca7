"""What a tenant used: charts and tables by day and person, a file of it, and how near its limits are."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.guards import MemberRequest, member
from portal.views.answers import page
from portal.views.usage_charts import charts
from tenants.actions import usage
from tenants.actions.usage import MAX_DAYS, MAX_PEOPLE, Share, Standing, Sums
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.roles import Permission

SPANS: Final = (7, 30, 90)  # days that the page offers
SPAN: Final = 30
METER: Final = 100  # units of a full meter

# What a spreadsheet would take for a formula, or for the end of what came before (OWASP: CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Meter:
    """A limit, and how much of its meter is full."""

    standing: Standing
    full: int


@require_safe
@member(Permission.USAGE_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    days = _span(request)
    by_day = usage.usage_by_day(compartment, days)
    used = [day for day in by_day if day.sums != Sums()]
    detailed = compartment.may(Permission.AUDIT_LIST)
    standings = usage.standings(compartment)
    return page(
        request,
        "usage/usage.html",
        compartment=compartment,
        spans=SPANS,
        span=days,
        charts=charts(by_day) if used else [],
        days=used[::-1],
        people=usage.usage_by_person(compartment, days) if used and detailed else [],
        most=MAX_PEOPLE,
        detailed=detailed,
        meters=[Meter(each, min(METER, each.percent)) for each in standings],
        near=[each for each in standings if each.near],
    )


@require_safe
@member(Permission.AUDIT_LIST)
def file(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    """Return the same as CSV (RFC 4180), a line for each day and person."""
    days = _span(request)
    shares = usage.usage_by_day_and_person(compartment, days)
    name = f"{compartment.tenant.slug}-usage-{days}-days.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    lines = csv.writer(answer)
    lines.writerow(["day", "person_id", "person", *(field.name for field in fields(Sums))])
    lines.writerows(_line(share) for share in shares)
    return answer


def _line(share: Share) -> Iterable[object]:
    return share.day, share.person_id or "", harmless(share.name or ""), *astuple(share.sums)


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _span(request: HttpRequest) -> int:
    """Return the days that the address asks for. Raises Invalid for what is no number."""
    asked = request.GET.get("days", str(SPAN))
    if not asked.isascii() or not asked.isdigit() or len(asked) > len(str(MAX_DAYS)):
        raise Invalid({"days": f"Ask for 1 to {MAX_DAYS} days."})
    return int(asked)
