"""A repository and its labels."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.base import Form, LabelsField


class RepositoryForm(Form):
    name = forms.CharField(
        label="Name",
        help_text="As builds name it: bulkhead run --repository NAME.",
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"}),
    )
    url = forms.CharField(
        label="Address",
        required=False,
        help_text="An https:// or ssh:// address, for people to find it.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocapitalize": "off", "spellcheck": "false"}),
    )
    labels = LabelsField(
        label="Labels",
        help_text=(
            "One name=value on a line. Labels decide which parameters and SSH keys its builds receive; a name may "
            "appear with several values."
        ),
    )

    def __init__(self, *args: Any, preview: str, **kwargs: Any) -> None:
        """`preview` is the address that says what labels would change."""
        super().__init__(*args, **kwargs)
        self.preview("labels", preview)
