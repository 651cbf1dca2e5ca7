"""Saving what was previewed."""

from __future__ import annotations

from django import forms

from portal.forms.base import Form
from portal.forms.parameters import ReasonField


class SaveForm(Form):
    draft = forms.CharField(widget=forms.HiddenInput)
    reason = ReasonField(help_text="Kept with each version, for whoever asks later why it changed.")

    def renew(self, draft: str) -> None:
        """Have it send this draft; what was typed, and what was wrong with it, stays."""
        if self.is_bound:
            self.data = {"draft": draft, "reason": self.data.get("reason", "")}
        else:
            self.initial["draft"] = draft
