"""Parameter sets and their values."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.base import Form, SecretTextarea
from portal.forms.reach import ReachForm


class ParameterSetForm(ReachForm):
    name = forms.CharField(label="Name")
    description = forms.CharField(label="Description", required=False, help_text="What these values are for.")

    field_order = ("name", "description", "filters", "everyone")


class ValueField(forms.CharField):
    """A value that may be empty, and is a value all the same."""

    plain = True  # not called optional
    widget = SecretTextarea

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 3, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}
        super().__init__(required=False, strip=False, widget=SecretTextarea(attrs=attrs), **kwargs)


class ParameterForm(Form):
    name = forms.CharField(
        label="Name",
        help_text="The environment variable that a build sees, for example DEPLOY_TOKEN.",
        widget=forms.TextInput(attrs={"class": "code-input", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    value = ValueField(
        label="Value",
        help_text="Sealed as it arrives and never shown again, not even to you. It may be empty; at most 64 KiB.",
    )
