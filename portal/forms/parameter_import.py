"""Importing a file of names and values."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.base import Form, Words
from portal.forms.parameters import SecretFile, ValueField
from tenants.errors import Invalid
from tenants.importing import Format

FORMATS = (
    (Format.DOTENV.value, Words(".env", "NAME=value, one on a line; quotes where a value has spaces or lines.")),
    (Format.JSON.value, Words("JSON", "One object of names and texts.")),
    (Format.YAML.value, Words("YAML", "One mapping of names to texts.")),
)


class ImportForm(Form):
    form = forms.ChoiceField(label="Format", choices=FORMATS, initial=Format.DOTENV.value, widget=forms.RadioSelect)
    content = ValueField(label="Names and values", help_text="At most 512 KiB. It is not shown again.")
    file = SecretFile(label="Or a file", required=False, allow_empty_file=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("content") and cleaned.get("file"):
            self.add_error("file", "Enter the text or choose a file, not both.")
        return cleaned

    @property
    def text(self) -> str:
        return str(self.cleaned_data["file"] or self.cleaned_data["content"])

    def explain(self, error: Invalid) -> None:
        here = {"content": "file"} if self.cleaned_data.get("file") else {}
        super().explain(Invalid({here.get(name, name): words for name, words in error.fields.items()}))
