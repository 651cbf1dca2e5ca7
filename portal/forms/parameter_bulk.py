"""Changing many parameters of a set at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from portal.forms.base import Form
from portal.forms.parameters import ReasonField, ValueField
from tenants.errors import Invalid
from tenants.records.models import Parameter


class BulkForm(Form):
    content = ValueField(
        label="Add or replace",
        help_text="NAME=value, one on a line, as in a .env file. Sealed as it arrives and not shown again.",
    )
    deletes = forms.MultipleChoiceField(label="Delete", required=False, widget=forms.CheckboxSelectMultiple)
    confirmed = forms.BooleanField(
        label="Delete what is ticked above",
        help_text="Builds get those values no more. For 30 days they can be restored.",
        required=False,
    )
    reason = ReasonField()

    def __init__(self, *args: Any, parameters: Iterable[Parameter], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("deletes", [(str(each.id), each.name) for each in parameters])
        if not self.fields["deletes"].choices:  # type: ignore[attr-defined]  # a choice field
            del self.fields["deletes"], self.fields["confirmed"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("deletes") and not cleaned.get("confirmed"):
            self.add_error("confirmed", "Confirm that what is ticked above should be deleted.")
        if not cleaned.get("deletes") and not cleaned.get("content"):
            self.add_error("content", "Enter values, or tick what should be deleted.")
        return cleaned

    def explain(self, error: Invalid) -> None:
        """Show a complaint about a parameter at the values, with its name."""
        unnamed = {"name", *self.fields}
        about = [words if name in unnamed else f"{name}: {words}" for name, words in error.fields.items()]
        super().explain(error if error.fields.keys() <= self.fields.keys() else Invalid({"content": " ".join(about)}))
