"""What every form has: our own markup, errors that come back from actions, and fields for labels and filters.

A form parses types. What may be stored is decided by the action, which raises `Invalid`; `explained` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, cast

from django import forms
from django.forms.renderers import DjangoTemplates

from tenants.errors import Invalid
from tenants.records.labels import Filters, Pair

MAX_LABELS_TEXT = 16_384  # characters; what more could hold the action refuses anyway


class Renderer(DjangoTemplates):
    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"


class Form(forms.Form):
    default_renderer = Renderer
    use_required_attribute = False  # the server explains, in one place and one tone

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def preview(self, name: str, address: str) -> None:
        """Have what is typed in this field, and it alone, sent to `address`, whose answer takes the place of #reach."""
        self.fields[name].widget.attrs |= {
            "hx-get": address,
            "hx-trigger": "input changed delay:300ms",
            "hx-target": "#reach",
            "hx-swap": "outerHTML",
        }

    def offer(self, name: str, choices: Iterable[tuple[Any, str]], most: int | None = None) -> None:
        """Say what can be chosen in the choice field `name`: values, each with its words, cut after `most`."""
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = offered = list(choices)
        if most is not None and len(offered) >= most:
            field.help_text = f"{field.help_text} Only the first {most} are shown.".lstrip()

    @property
    def emptied(self) -> list[forms.BoundField]:
        """Return the fields that held a secret, which an answer does not give back."""
        secret = (SecretTextarea, forms.PasswordInput, forms.FileInput)
        held = (self[name] for name, field in self.fields.items() if isinstance(field.widget, secret))
        return [field for field in held if self.is_bound and field.data]

    def explain(self, error: Invalid) -> None:
        """Show an action's complaint at its fields; what is no field of this form goes to the top."""
        for name, message in error.fields.items():
            self.add_error(name if name in self.fields else None, message)


@contextmanager
def explained(form: Form) -> Iterator[None]:
    """Turn `Invalid` raised inside into errors of the form."""
    try:
        yield
    except Invalid as error:
        form.explain(error)


class Words(str):
    """The label of a choice, with a sentence about it."""

    __slots__ = ("about",)
    about: str

    def __new__(cls, words: str, about: str) -> Self:
        made = super().__new__(cls, words)
        made.about = about
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # Django copies the fields of a form
        return str(self), self.about


class SecretTextarea(forms.Textarea):
    """Takes a secret of several lines and never gives it back, not even beside an error."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return what was typed: a browser sends every end of a line as CRLF (HTML, "entry list" of a form)."""
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    def format_value(self, value: object) -> None:
        """Return nothing to show, whatever was typed."""


class LabelsField(forms.CharField):
    """Labels, one `name=value` on a line: a list of pairs."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        shape = {"rows": 4, "placeholder": "os=linux\nteam=core", "spellcheck": "false", "autocapitalize": "off"}
        super().__init__(required=False, max_length=MAX_LABELS_TEXT, widget=forms.Textarea(attrs=shape), **kwargs)

    def prepare_value(self, value: str | Sequence[str] | None) -> str:
        return value if isinstance(value, str) else "\n".join(value or ())

    def clean(self, value: Any) -> Any:
        lines = super().clean(value).splitlines()
        return [_pair(line, number) for number, line in enumerate(lines, 1) if line.strip()]


class FiltersField(LabelsField):
    """Label filters: each line one alternative, its labels joined by commas. A list of lists of pairs."""

    plain = True  # not called optional: leaving it empty is asked about

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs["placeholder"] = "os=linux, team=core"

    def prepare_value(self, value: str | Sequence[Any] | None) -> str:
        return value if isinstance(value, str) else "\n".join(", ".join(alternative) for alternative in value or ())

    def clean(self, value: Any) -> Filters:
        lines = forms.CharField.clean(self, value).splitlines()
        return [_alternative(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _alternative(line: str, number: int) -> list[Pair]:
    return [_pair(part, number) for part in line.split(",") if part.strip()]


def _pair(text: str, number: int) -> Pair:
    name, separator, value = text.strip().partition("=")
    if not separator or not name.strip():
        raise forms.ValidationError(f"Line {number}: write each label as name=value, for example os=linux.")
    return name.strip(), value.strip()
