"""JSON and YAML files: texts as they are written; nothing built, followed or converted; each refusal on its line."""

from __future__ import annotations

import pytest

from tenants.importing import MAX_BYTES, Format, parse
from tests.tenants.computing import computing


def read(text: str, form: Format) -> dict[str, str]:
    entries, refused = parse(text, form)
    assert not refused, refused
    return {entry.name: entry.value for entry in entries}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"A": "1"}', {"A": "1"}),
        ('\n{ "A" : "1" ,\n "B":"" }\n', {"A": "1", "B": ""}),
        ('{"A": 1.10, "B": 8080, "C": true, "D": false, "E": -1e400}',
         {"A": "1.10", "B": "8080", "C": "true", "D": "false", "E": "-1e400"}),
        ('{"A": "\\u00fc\\n\\ud83d\\ude00"}', {"A": "ü\n😀"}),
        ('{"A": "two\\r\\nlines"}', {"A": "two\r\nlines"}),
    ],
)  # fmt: skip
def test_json_is_read(text: str, expected: dict[str, str]) -> None:
    assert read(text, Format.JSON) == expected


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ('{"A": "1",\n"A": "2"}', 2, "A"),
        ('{"A": "1",\n"B": null}', 2, "B"),
        ('{"A": "1",\n"B": {"C": "secret"}}', 2, "B"),
        ('{"A": "1",\n"B": ["secret"]}', 2, "B"),
        ('{"A": "1",\n"B C": "x"}', 2, ""),
        ('{"A": "1",\n"B": NaN}', 2, ""),
        ('{"A": "1",\n"B": "x" "C"}', 2, ""),
        ('{"A": "1",\n}', 2, ""),
        ('{"A": "1"}\n{"B": "1"}', 2, ""),
        ('{"A": "1",\n"secret', 2, ""),
        ('{"A": "1",\n\'B\': "x"}', 2, ""),
        ('{"A": "1"\n', 2, ""),
        ('\n["A"]', 2, ""),
        ('\n"A"', 2, ""),
    ],
)
def test_bad_json_is_pointed_at(text: str, line: int, name: str) -> None:
    entries, refused = parse(text, Format.JSON)
    assert [(each.line, each.name) for each in refused] == [(line, name)]
    assert "secret" not in repr((entries, refused))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A: 1", {"A": "1"}),
        ("---\nA: no\nB: 1.10\nC: 0x1F\nD: 2026-01-01\nE: 'null'\n...\n",
         {"A": "no", "B": "1.10", "C": "0x1F", "D": "2026-01-01", "E": "null"}),
        ("A: |\n  two\n  lines\nB: >-\n  one\n  line\n", {"A": "two\nlines\n", "B": "one line"}),
        ('A: "\\u00fc\\n"\nB: ""\n', {"A": "ü\n", "B": ""}),
        ("{A: 1, B: 2}", {"A": "1", "B": "2"}),
        ("A: &anchor 1\n", {"A": "1"}),
        ("A: !!str 1\n", {"A": "1"}),
        ("A: 100%\nB: |\n %d\n", {"A": "100%", "B": "%d\n"}),
    ],
)  # fmt: skip
def test_yaml_is_read(text: str, expected: dict[str, str]) -> None:
    assert read(text, Format.YAML) == expected


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("A: 1\nA: 2", 2, "A"),
        ("A: 1\nB:", 2, "B"),
        ("A: 1\nB: ~", 2, "B"),
        ("A: &a 1\nB: *a", 2, "B"),
        ("A: 1\nB: {C: secret}", 2, "B"),
        ("A: 1\nB: [secret]", 2, "B"),
        ("A: 1\n? [secret]\n: 2", 2, ""),
        ("A: 1\n<<: {B: secret}", 2, ""),
        ("A: 1\nB: !!binary c2VjcmV0", 2, "B"),
        ("A: 1\nB: !!python/object/apply:os.system [secret]", 2, "B"),
        ("A: 1\nB: !vault secret", 2, "B"),
        ("A: 1\n---\nB: 2", 2, ""),
        ("A: 1\nB: 'secret", 2, ""),
        ("A: 1\n\tsecret", 2, ""),
        ("A: 1\nB: \x07", 1, ""),
        ("%YAML 1.2\n---\nA: 1", 1, ""),
        ("\ufeff%YAML 1.2\n---\nA: 1", 1, ""),
        ("# \r\n\u2028%TAG !a! secret\n---\nA: 1", 3, ""),
        ("A: 1\n...\n%TAG !a! secret\n---\nB: 1", 3, ""),
        ("\n- A", 2, ""),
        ("\nA", 2, ""),
    ],
)
def test_bad_yaml_is_pointed_at(text: str, line: int, name: str) -> None:
    entries, refused = parse(text, Format.YAML)
    assert [(each.line, each.name) for each in refused] == [(line, name)]
    assert "secret" not in repr((entries, refused))


def test_a_bomb_of_aliases_is_refused() -> None:
    bomb = "A: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{this}: &{this.lower()} [{','.join([f'*{last.lower()}'] * 9)}]\n"
        for last, this in zip("ABCDEFGH", "BCDEFGHI", strict=True)
    )
    entries, refused = parse(bomb, Format.YAML)
    assert not entries
    assert len(refused) == 9


@pytest.mark.parametrize("form", [Format.JSON, Format.YAML])
@pytest.mark.parametrize(
    "piece", ["[", "{", "{A: ", "- ", '{"A":', "? ", "A: ", " ", "\n", "*a ", "'", "&a ", "A: [\n"]
)
def test_no_file_takes_long(form: Format, piece: str) -> None:
    text = (piece * MAX_BYTES)[: MAX_BYTES - 32]
    with computing() as seconds:
        for whole in (text, f'{{"A": {text}'):
            _, refused = parse(f"{whole}\nB", form)
            assert refused
        assert seconds() < 6


def test_directives_take_no_time() -> None:
    """The parser compares each with all before it, and holds the process while it does."""
    text = "".join(f"%TAG !{number}! x\n" for number in range(MAX_BYTES // 16))
    with computing() as seconds:
        for whole in (text, f"A: 1\n...\n{text}", f"#\x85{text}"):
            _, refused = parse(f"{whole}---\nB: 1", Format.YAML)
            assert [each.complaint for each in refused] == ["A line may not begin with %: directives are not followed."]
        assert seconds() < 1
