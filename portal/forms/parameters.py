"""Parameter sets and their values."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from portal.forms.base import Form, SecretTextarea
from portal.forms.reach import ReachForm
from tenants.errors import Invalid

MAX_COMPARED: Final = 200  # versions that are offered


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


class DayField(forms.DateField):
    """A date without a time, by the browser's own picker."""

    def __init__(self, **kwargs: Any) -> None:
        kind = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(required=False, widget=kind, input_formats=["%Y-%m-%d"], **kwargs)


class ReasonField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        words = {"label": "Reason", "help_text": "Kept with the version, for whoever asks later why it changed."}
        super().__init__(required=False, max_length=200, **{**words, **kwargs})


class SecretFile(forms.FileField):
    """A file of text as its content; None without one."""

    def clean(self, data: Any, initial: Any = None) -> str | None:
        file = super().clean(data, initial)
        if not file:
            return None
        try:
            return str(file.read().decode())
        except UnicodeDecodeError:
            raise forms.ValidationError(
                "This file is not text in UTF-8: encode it first, for example as Base64."
            ) from None


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
    file = SecretFile(
        label="Or a file",
        help_text="Text of at most 64 KiB, say a certificate: a build gets a file, and its path in the variable.",
        required=False,
        allow_empty_file=True,
    )
    reason = ReasonField()
    description = forms.CharField(
        label="Description", required=False, help_text="For whom or what it is. Left empty, what is there stays."
    )
    expires_on = DayField(
        label="Expires on",
        help_text="You are reminded for 30 days before; builds still get it. Left empty, what is there stays.",
    )

    def __init__(self, *args: Any, preview: str, **kwargs: Any) -> None:
        """`preview` is the address that says what adding a name would change."""
        super().__init__(*args, **kwargs)
        self.preview("name", preview)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("value") and cleaned.get("file") is not None:
            self.add_error("file", "Enter a value or choose a file, not both.")
        return cleaned

    def explain(self, error: Invalid) -> None:
        """Show what is wrong with an uploaded value at the file."""
        here = {"value": "file"} if self.cleaned_data.get("file") is not None else {}
        super().explain(Invalid({here.get(name, name): words for name, words in error.fields.items()}))

    @property
    def content(self) -> dict[str, Any]:
        """What the action takes; what was left empty stays as it is."""
        given = dict(self.cleaned_data)
        file = given.pop("file")
        stays = {name: given.pop(name) or None for name in ("description", "expires_on")}
        if file is not None:
            given |= {"value": file}
        return {**given, **stays, "kind": "text" if file is None else "file"}


class DescribeForm(Form):
    description = forms.CharField(label="Description", required=False, help_text="For whom or what it is.")
    expires_on = DayField(
        label="Expires on",
        help_text="You are reminded for 30 days before; builds still get it. Empty: it does not expire.",
    )


class CompareForm(Form):
    """Two of a parameter's versions."""

    left = forms.TypedChoiceField(label="Compare version", coerce=int)
    right = forms.TypedChoiceField(label="with version", coerce=int)

    def __init__(self, *args: Any, newest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            self.offer(name, [(number, str(number)) for number in range(newest, max(0, newest - MAX_COMPARED), -1)])


class RollBackForm(Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = ReasonField()
