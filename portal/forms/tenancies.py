"""Asking for a tenant, and asking to be let into one."""

from __future__ import annotations

from django import forms

from portal.forms.base import Form

SLUG = {"class": "code-input", "autocapitalize": "off", "spellcheck": "false", "autocomplete": "off"}


class TenantForm(Form):
    name = forms.CharField(label="Name", help_text="As people know your organization.", strip=True)
    slug = forms.CharField(
        label="Address",
        help_text="3 to 40 lower-case letters, digits and hyphens. It stands in links and commands and stays as it is.",
        widget=forms.TextInput(attrs=SLUG),
    )


class JoinForm(Form):
    slug = forms.CharField(
        label="Address of the tenant",
        help_text="Somebody who is in it can tell you, for example acme-rail.",
        widget=forms.TextInput(attrs=SLUG),
    )
    note = forms.CharField(label="A word to its members", required=False, help_text="Who you are, in a sentence.")
