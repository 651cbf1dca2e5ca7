"""Template tags of the portal's own pages: assets with integrity, icons, times, navigation."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import lru_cache, reduce
from importlib.metadata import version as installed_version
from operator import add
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.timezone import localtime, now
from lucide.templatetags.lucide import lucide

from tenants.actions.parameter_deletion import KEPT
from tenants.compartment import Compartment
from tenants.records.labels import Pair
from tenants.records.labels import pairs as label_pairs
from tenants.roles import Permission

register = template.Library()

_CODE: Final = "<code>{}</code>"


@register.simple_tag
def stylesheet(name: str) -> SafeString:
    return format_html('<link rel="stylesheet" href="{}" integrity="{}">', *_asset(name))


@register.simple_tag
def script(name: str) -> SafeString:
    return format_html('<script src="{}" integrity="{}" defer></script>', *_asset(name))


def _asset(name: str) -> tuple[str, str]:
    """Return the address and the digest of a collected file; one without a digest is not linked at all."""
    digest = staticfiles_storage.integrity(name)  # type: ignore[attr-defined]  # portal.static_integrity
    return staticfiles_storage.url(name), digest


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 18) -> str:
    """Return a decorative inline icon; the words beside it carry the meaning."""
    return str(lucide(name, size=size, **{"class": "icon", "aria-hidden": "true", "stroke-width": "1.75"}))


@register.simple_tag
@lru_cache(maxsize=1)
def version() -> str:
    return installed_version("bulkhead")


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """Render an aware time to the minute, in UTC, with the exact instant for machines."""
    if value is None:
        return "never"
    instant = localtime(value)
    return format_html('<time datetime="{}">{}</time>', instant.isoformat(), instant.strftime("%-d %b %Y, %H:%M UTC"))


@register.simple_tag
def ago(value: datetime | None) -> SafeString | str:
    """Render how long ago something was, with the time itself as a tooltip."""
    if value is None:
        return "never"
    said = f"{timesince(value, depth=1)} ago" if now() - value >= timedelta(minutes=1) else "just now"
    return _spoken(value, said)


@register.simple_tag
def until(value: datetime) -> SafeString:
    """Render how long something still lasts, rounded: a day that has just begun is a day, not 23 hours."""
    left = value - now()
    if left <= timedelta(0):
        return _spoken(value, "expired")
    words = f"in {timeuntil(value + left / 50, depth=1)}" if left >= timedelta(minutes=1) else "in less than a minute"
    return _spoken(value, words)


@register.simple_tag
def due(value: datetime) -> SafeString:
    """Render when something that is done by itself comes next: in days, where it is days."""
    left = value - now()
    if left <= timedelta(0):
        return _spoken(value, "within the hour")
    days = round(left / timedelta(days=1))
    return _spoken(value, f"in {days} days") if days > 1 else until(value)


@register.filter
def seconds_left(value: datetime) -> int | None:
    """Return the whole seconds until just after a time; None for more than a day, which no page waits for."""
    left = value - now()
    return None if left > timedelta(days=1) else max(1, math.ceil(left.total_seconds()) + 1)


def _spoken(value: datetime, said: str) -> SafeString:
    instant = localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        instant.isoformat(),
        instant.strftime("%-d %b %Y, %H:%M:%S UTC"),
        said,
    )


@register.inclusion_tag("parts/nav_item.html", takes_context=True)
def nav_item(context: Context, name: str, words: str, icon_name: str) -> dict[str, Any]:
    """Render one entry of a tenant's navigation, marked when the page lies under it."""
    match = context["request"].resolver_match
    here = match.url_name or "" if match else ""
    here = here.replace("ssh-authorities", "ssh-keys-authorities")  # they lie under SSH keys
    return {
        "address": _address(context["compartment"], name),
        "words": words,
        "icon_name": icon_name,
        "current": "page" if here == name else "true" if here.startswith(f"{name}-") else "",
    }


@register.simple_tag(takes_context=True)
def crumb(context: Context, name: str, words: str, **ids: UUID) -> SafeString:
    """Render a step of the way to one of a tenant's pages."""
    return format_html('<li><a href="{}">{}</a></li>', _address(context["compartment"], name, **ids), words)


@register.inclusion_tag("parts/heads.html")
def heads(*columns: str, verbs: bool = False) -> dict[str, Any]:
    """Render the head of a table: each column's words and, after a colon, its class; with `verbs`, one for buttons."""
    return {"columns": [column.partition(":")[::2] for column in columns], "verbs": verbs}


@register.simple_tag
def history(compartment: Compartment, name: str, record_id: UUID) -> SafeString | str:
    """Link to what the audit log tells of a record, for those who may read it."""
    if not compartment.may(Permission.AUDIT_LIST):
        return ""
    query = urlencode({"about": [str(record_id), name]}, doseq=True)
    return format_html(
        '<a class="button" href="{}?{}">{} History</a>', _address(compartment, "audit"), query, icon("scroll-text")
    )


def _address(compartment: Compartment, name: str, **ids: UUID) -> str:
    return reverse(name, kwargs={"tenant": compartment.tenant.slug, **ids})


@register.filter
def pairs(labels: list[str]) -> list[Pair]:
    """Split stored labels (`name=value`) for showing."""
    return label_pairs(labels)


@register.filter
def listed(value: object) -> object:
    return "; ".join(map(str, value)) or "none" if isinstance(value, list) else value


@register.filter
def ticked(text: str) -> SafeString:
    """Show what stands between backticks as code."""
    parts = text.split("`")
    shown = ((_CODE if number % 2 else "{}", part) for number, part in enumerate(parts))
    return reduce(add, (format_html(form, part) for form, part in shown))


@register.filter
def days_left(day: date) -> int:
    """Return the days until a date, in UTC: 0 today, below 0 once it has passed."""
    return (day - localtime(now()).date()).days


@register.filter
def days_kept(deleted_at: datetime) -> int:
    """Return the days, begun ones too, for which what was deleted can be restored."""
    return math.ceil((deleted_at + KEPT - now()) / timedelta(days=1))
