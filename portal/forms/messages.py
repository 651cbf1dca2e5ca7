"""Writing a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.conf import settings

from portal.forms.base import Form
from tenants.actions.connections import MAX_CONSUMERS
from tenants.registry.models import Tenant

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
LIFETIMES: Final = (
    (60, "1 minute"),
    (600, "10 minutes"),
    (_HOUR, "1 hour"),
    (_DAY, "1 day"),
    (7 * _DAY, "7 days"),
    (30 * _DAY, "30 days"),
    (90 * _DAY, "90 days"),
)


class MessageForm(Form):
    to = forms.ChoiceField(label="To", help_text="Tenants that agreed to receive from you.")
    ttl = forms.TypedChoiceField(
        label="Gone after",
        coerce=int,
        initial=_DAY,
        help_text="From now, by the server's clock. Then the content and its key are deleted, read or not.",
    )
    reads = forms.IntegerField(
        label="How often it may be read",
        required=False,
        help_text="Leave it empty for any number until it is gone; 1 makes it vanish as it is read.",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    payload = forms.CharField(
        label="Content",
        strip=False,
        help_text="Any JSON up to 512 KiB.",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocapitalize": "off", "placeholder": "{}"}),
    )

    def __init__(self, *args: Any, consumers: Sequence[Tenant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("to", [(tenant.slug, f"{tenant.name} ({tenant.slug})") for tenant in consumers], MAX_CONSUMERS)
        self.offer("ttl", _lifetimes(settings.MESSAGE_TTL_MIN_SECONDS))


def _lifetimes(shortest: int) -> list[tuple[int, str]]:
    """Return what can be chosen; a deployment that allows less than a minute (the demo) offers its shortest too."""
    offered = [(seconds, words) for seconds, words in LIFETIMES if seconds >= shortest]
    return [(shortest, f"{shortest} second{'s' * (shortest > 1)}"), *offered] if shortest < LIFETIMES[0][0] else offered
