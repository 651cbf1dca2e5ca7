"""`.env` files: what is read as what, what is refused on which line, and that no file takes long."""

from __future__ import annotations

import pytest

from tenants.errors import Invalid
from tenants.importing import MAX_BYTES, Format, parse
from tests.tenants.computing import computing


def read(text: str) -> dict[str, str]:
    entries, refused = parse(text, Format.DOTENV)
    assert not refused
    return {entry.name: entry.value for entry in entries}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("  A = 1  ", "1"),
        ("A=", ""),
        ("A=''", ""),
        ('A=""', ""),
        ("A=a b", "a b"),
        ("A=a#b", "a#b"),
        ("A=a # b", "a"),
        ("A= # b", ""),
        ("A='a # b' # c", "a # b"),
        ("A='$HOME ${X} `id`'", "$HOME ${X} `id`"),
        ("A=$HOME", "$HOME"),
        (r"A='a\n\'", r"a\n" + "\\"),
        (r'A="a\n\t\"\\\$\`\x\'"', "a\n\t\"\\$`\\x\\'"),
        ("A=it's", "it's"),
        ("A='two\nlines'", "two\nlines"),
        ('A="two\r\nlines"', "two\nlines"),
        ("A=x=y==", "x=y=="),
        ("A=ü ✓", "ü ✓"),
    ],
)
def test_a_line_is_read(line: str, value: str) -> None:
    assert read(line) == {"A": value}
    assert read(f"# before\n\n{line}\n#after") == {"A": value}


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("A=1\nsecret words\nB=2", 2, ""),
        ("A=1\n=2\nB=2", 2, ""),
        ("A=1\n1A=2\nB=2", 2, ""),
        ("A=1\nA-B=2\nB=2", 2, ""),
        ("A=1\nA=2\nB=2", 2, "A"),
        ("A='1\n2'\nC='x' y\nB=2", 3, "C"),
        ("A=1\nC='x\nB=2", 2, "C"),
        ('A=1\nC="x\\"\nB=2', 2, "C"),
        ("A=1\n-----BEGIN KEY-----\nB=2", 2, ""),
    ],
)
def test_a_bad_line_is_pointed_at(text: str, line: int, name: str) -> None:
    entries, refused = parse(text, Format.DOTENV)
    assert [(each.line, each.name) for each in refused] == [(line, name)]
    assert {"A", "B"} <= {entry.name for entry in entries}
    assert "secret" not in repr((entries, refused))


def test_a_mark_of_the_byte_order_is_no_part_of_a_name() -> None:
    assert read("\ufeffA=1") == {"A": "1"}


def test_what_is_no_name_is_not_repeated() -> None:
    """A wrapped secret may look like a name that is no name."""
    _, refused = parse("AAAAB3NzaC1yc2E/geheim==\n", Format.DOTENV)
    assert "geheim" not in repr(refused)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_a_file_without_anything(text: str) -> None:
    with pytest.raises(Invalid, match="content"):
        parse(text, Format.DOTENV)


def test_complaints_and_names_come_to_an_end() -> None:
    assert len(parse("no\n" * 1000, Format.DOTENV)[1]) == 50
    with pytest.raises(Invalid, match="content"):
        parse("".join(f"N{number}=1\n" for number in range(501)), Format.DOTENV)


@pytest.mark.parametrize("form", Format)
def test_a_file_too_long_is_not_read(form: Format) -> None:
    for text in ("A" * (MAX_BYTES + 1), "ü" * (MAX_BYTES // 2 + 1)):
        with pytest.raises(Invalid, match="content"):
            parse(text, form)


@pytest.mark.parametrize("piece", ["A='\n", 'A="\n', 'A="\\"\n', " ", "\\", "export ", '"', "A", "=", "A=' #\n", "\n"])
def test_no_file_takes_long(piece: str) -> None:
    text = (piece * MAX_BYTES)[: MAX_BYTES - 8]
    with computing() as seconds:
        for whole in (text, f'A="{text}'):
            parse(f"{whole}\nB=1", Format.DOTENV)
        assert seconds() < 30
