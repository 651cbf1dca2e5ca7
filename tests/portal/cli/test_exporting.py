"""What is exported reads back as exactly the same, whatever the values hold; shells agree about `.env`."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.cli.exporting import Format, written
from tenants import importing

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
# What an environment variable can hold, and often what quoting goes wrong over.
values = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]) | st.sampled_from("'\"\\$`#\n\r =n")
)
environments = st.dictionaries(names, values, min_size=1, max_size=6)


@pytest.mark.parametrize("form", Format)
@given(environment=environments)
@settings(max_examples=80, deadline=None)
def test_what_is_exported_reads_back(form: Format, environment: dict[str, str]) -> None:
    entries, refused = importing.parse(written(environment, form), importing.Format(form))
    assert refused == []
    assert {entry.name: entry.value for entry in entries} == environment


@pytest.mark.parametrize(
    "value",
    ["plain", "a b", "$HOME `id` $(id)", "it's", 'say "it\'s"', "two\nlines\n", "ends in \\", "#no", "", "\\n'"],
)
def test_a_shell_reads_the_same(value: str) -> None:
    script = written({"NAME": value}, Format.DOTENV) + 'printf %s "$NAME"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == value


def test_nothing_is_a_file_too() -> None:
    assert [written({}, form) for form in Format] == ["", "{}\n", "{}\n"]
