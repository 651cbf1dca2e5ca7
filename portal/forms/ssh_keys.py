"""SSH keys to make or to take in."""

from __future__ import annotations

from django import forms

from portal.forms.base import SecretTextarea
from portal.forms.reach import ReachForm


class GenerateKeyForm(ReachForm):
    name = forms.CharField(label="Name", help_text="As builds ask for it, for example deploy-production.")

    field_order: tuple[str, ...] = ("name", "filters", "everyone")


class ImportKeyForm(GenerateKeyForm):
    private_key = forms.CharField(
        label="Private key",
        strip=False,
        help_text="The whole text, with its BEGIN and END lines. Sealed as it arrives and never shown again.",
        widget=SecretTextarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}),
    )
    passphrase = forms.CharField(
        label="Passphrase",
        required=False,
        strip=False,
        help_text="If the key has one. It is used once to open the key, and not kept.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    field_order = ("name", "private_key", "passphrase", "filters", "everyone")
