"""SSH keys to make, to take in, to change and to rotate."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.base import Form, SecretTextarea, Words
from portal.forms.reach import ReachForm
from tenants.ssh_formats import Algorithm

ALGORITHMS = [
    (Algorithm.ED25519.value, Words("Ed25519", "Short, fast and strong: every OpenSSH since 2014 takes it.")),
    (
        Algorithm.RSA_4096.value,
        Words("RSA, 4096 bits", "For a host that takes nothing newer. Making it takes a moment."),
    ),
]


class KnownHostsField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        shape = {"rows": 3, "spellcheck": "false", "autocapitalize": "off", "class": "code-input"}
        hint = "Lines as ssh-keyscan prints them. With any, a build's ssh takes these and those that it knows itself."
        super().__init__(
            label="Known hosts", required=False, help_text=hint, widget=forms.Textarea(attrs=shape), **kwargs
        )


class DescribedForm(ReachForm):
    description = forms.CharField(label="Description", required=False, help_text="What it is for.")
    known_hosts = KnownHostsField()


class ChangeKeyForm(DescribedForm):
    field_order: tuple[str, ...] = ("description", "known_hosts", "filters", "everyone")


class GenerateKeyForm(DescribedForm):
    name = forms.CharField(label="Name", help_text="As builds ask for it, for example deploy-production.")
    algorithm = forms.TypedChoiceField(
        label="Type",
        choices=ALGORITHMS,
        coerce=Algorithm,
        initial=Algorithm.ED25519.value,
        required=False,
        empty_value=Algorithm.ED25519,
        widget=forms.RadioSelect,
    )

    field_order: tuple[str, ...] = ("name", "algorithm", "description", "known_hosts", "filters", "everyone")


class ImportKeyForm(DescribedForm):
    name = forms.CharField(label="Name", help_text="As builds ask for it, for example deploy-production.")
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

    field_order = ("name", "private_key", "passphrase", "description", "known_hosts", "filters", "everyone")


class RotateKeyForm(Form):
    algorithm = forms.TypedChoiceField(
        label="Type of the next generation", choices=ALGORITHMS, coerce=Algorithm, widget=forms.RadioSelect
    )
