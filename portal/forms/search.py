"""Searching parameters."""

from __future__ import annotations

from django import forms

from portal.forms.base import Form, SecretTextarea


class SearchForm(Form):
    text = forms.CharField(
        label="Name, description or label",
        max_length=100,
        help_text="For example TOKEN, or team=core.",
        widget=forms.TextInput(attrs={"type": "search", "spellcheck": "false", "autocapitalize": "off"}),
    )


class ValueSearchForm(Form):
    value = forms.CharField(
        label="Value",
        strip=False,
        help_text="Exactly as it is stored. It is compared by its keyed digest and not shown again.",
        widget=SecretTextarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}),
    )
