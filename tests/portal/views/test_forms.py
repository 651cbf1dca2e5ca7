"""What forms make of labels and filters."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ValidationError

from portal.forms.base import FiltersField, Form, LabelsField, SecretTextarea, explained
from tenants.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", []),
        ("os=linux", [("os", "linux")]),
        (" os = linux \r\n\r\nos=plan9", [("os", "linux"), ("os", "plan9")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=", [("a", "")]),
    ],
)
def test_labels(typed: str, read: list[tuple[str, str]]) -> None:
    assert LabelsField().clean(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", []),
        ("os=linux, team=core", [[("os", "linux"), ("team", "core")]]),
        ("os=linux\nteam=core", [[("os", "linux")], [("team", "core")]]),
        ("os=linux,\n , \n", [[("os", "linux")], []]),
    ],
)
def test_filters(typed: str, read: list[list[tuple[str, str]]]) -> None:
    assert FiltersField().clean(typed) == read


@pytest.mark.parametrize(("field", "typed"), [(LabelsField, "a=b\nos"), (FiltersField, "a=b\nc=d, os")])
def test_the_line_is_named(field: type[LabelsField], typed: str) -> None:
    with pytest.raises(ValidationError, match="Line 2"):
        field().clean(typed)


def test_stored_values_are_shown_as_they_are_typed() -> None:
    assert LabelsField().prepare_value(["os=linux", "team=core"]) == "os=linux\nteam=core"
    assert FiltersField().prepare_value([["os=linux", "team=core"], ["a=b"]]) == "os=linux, team=core\na=b"


def test_a_secret_is_never_rendered() -> None:
    assert "canary" not in SecretTextarea().render("value", "canary")


def test_a_complaint_about_no_field_is_shown_on_top() -> None:
    form = Form({})
    with explained(form):
        raise Invalid({"elsewhere": "Do it otherwise."})
    assert form.non_field_errors() == ["Do it otherwise."]


@pytest.mark.parametrize(("most", "said"), [(None, "One of these."), (3, "One of these."), (2, "Only the first 2 are")])
def test_choices_that_are_cut_say_so(most: int | None, said: str) -> None:
    class Choosing(Form):
        one = forms.ChoiceField(help_text="One of these.")

    form = Choosing()
    form.offer("one", [("a", "A"), ("b", "B")], most)
    assert said in form["one"].help_text
    assert ("Only" in form["one"].help_text) == (most == 2)
