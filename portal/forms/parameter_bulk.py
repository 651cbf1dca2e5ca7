"""Changing many parameters of a set at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms

from portal.forms.base import Form
from portal.forms.parameters import ValueField
from tenants.records.models import Parameter


class BulkForm(Form):
    content = ValueField(
        label="Add or replace",
        help_text="NAME=value, one on a line, as in a .env file. It is not shown again.",
    )
    deletes = forms.TypedMultipleChoiceField(
        label="Delete",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        coerce=UUID,
        error_messages={"invalid_choice": "Something that was ticked is gone already: look at what is left."},
    )

    def __init__(self, *args: Any, parameters: Iterable[Parameter], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(str(each.id), each.name) for each in parameters]
        self.offer("deletes", offered)
        if not offered:
            del self.fields["deletes"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("deletes") and not cleaned.get("content") and not self.errors:
            self.add_error("content", "Enter values, or tick what should be deleted.")
        return cleaned
