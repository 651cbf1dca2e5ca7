"""The part of a form that says whom something reaches: label filters, and a tick where there are none."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.base import FiltersField, Form

HINT = (
    "Each line is one alternative, and all labels on a line have to be there: “os=linux, team=core” reaches "
    "repositories with both. Several lines: any one of them is enough."
)


class ReachForm(Form):
    filters = FiltersField(label="For repositories with these labels", help_text=HINT)
    everyone = forms.BooleanField(
        label="There is no filter: give this to the builds of every repository",
        help_text="Without a filter, every repository receives this, those added later too.",
        required=False,
    )

    def __init__(self, *args: Any, preview: str, **kwargs: Any) -> None:
        """`preview` is the address that says which repositories filters match."""
        super().__init__(*args, **kwargs)
        self.preview("filters", preview)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("filters") == [] and not cleaned.get("everyone"):
            self.add_error("everyone", "Enter a filter above, or confirm that every repository should receive this.")
        return cleaned

    @property
    def content(self) -> dict[str, Any]:
        """What the action takes: everything but the confirmation."""
        return {name: value for name, value in self.cleaned_data.items() if name != "everyone"}
