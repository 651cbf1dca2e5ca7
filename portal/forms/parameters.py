"""Parameter sets and their values."""

from __future__ import annotations

from django import forms

from portal.forms.base import Form, SecretTextarea
from portal.forms.reach import ReachForm


class ParameterSetForm(ReachForm):
    name = forms.CharField(label="Name")
    description = forms.CharField(label="Description", required=False, help_text="What these values are for.")

    field_order = ("name", "description", "filters", "everyone")


class ParameterForm(Form):
    name = forms.CharField(
        label="Name",
        help_text="The environment variable that a build sees, for example DEPLOY_TOKEN.",
        widget=forms.TextInput(attrs={"class": "code-input", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    value = forms.CharField(
        label="Value",
        required=False,  # an empty value is a value
        strip=False,
        help_text="Sealed as it arrives and never shown again, not even to you. At most 64 KiB.",
        widget=SecretTextarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}),
    )
