"""Answering a command line that asks to be let in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.forms.base import Form, Words
from tenants.actions.tenancies import MAX_LISTED, Tenancy


class CodeForm(Form):
    user_code = forms.CharField(
        label="Code",
        help_text="Eight letters; the hyphen and capitals do not matter.",
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class AnswerForm(Form):
    user_code = forms.CharField(max_length=32, widget=forms.HiddenInput)
    tenant = forms.ChoiceField(label="For which tenant", required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, tenancies: Sequence[Tenancy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("tenant", map(_choice, tenancies), MAX_LISTED)


def _choice(mine: Tenancy) -> tuple[str, Words]:
    slug = mine.tenant.slug
    return slug, Words(mine.tenant.name, f"{slug}, as {mine.role.label.lower()}")
