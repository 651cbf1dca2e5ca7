"""Proposing a connection."""

from __future__ import annotations

from django import forms

from portal.forms.base import Form, Words
from portal.forms.tenancies import SLUG


class ProposalForm(Form):
    other_slug = forms.CharField(
        label="Address of the other tenant",
        help_text="Ask them for it, for example northwind.",
        widget=forms.TextInput(attrs=SLUG),
    )
    direction = forms.ChoiceField(
        label="Who sends",
        choices=[
            ("send", Words("We send to them", "Messages are sealed to their key; only they can open them.")),
            ("receive", Words("They send to us", "Messages are sealed to our key; only we can open them.")),
        ],
        initial="send",
        widget=forms.RadioSelect,
    )
