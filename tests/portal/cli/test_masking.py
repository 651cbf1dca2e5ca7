"""Masking: values and their encodings, however the stream is cut, and nothing held back longer than it must be."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.cli.masking import MASK, SHORTEST, Masker, encodings, texts, written

SECRET = "gehe/im+p@ß 'wört\"er'"


def masked(values: list[str], printed: bytes, cut: int = 10**9) -> bytes:
    masker = Masker(values)
    return b"".join(masker.feed(printed[at : at + cut]) for at in range(0, len(printed), cut)) + masker.flush()


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 1000])
def test_a_value_is_masked_wherever_the_stream_is_cut(cut: int) -> None:
    printed = f"begin {SECRET} middle {SECRET}{SECRET} end\n".encode()
    assert masked([SECRET], printed, cut) == b"begin *** middle ****** end\n"


RAW = SECRET.encode()
ENCODED = {
    "base64": base64.b64encode(RAW),
    "base64, one byte before": base64.b64encode(b"x" + RAW),
    "base64, two bytes before": base64.b64encode(b"xy" + RAW),
    "base64, as basic authentication": base64.b64encode(b"user:" + RAW),
    "base64, of a line": base64.b64encode(RAW + b"\n"),
    "base64 for URLs": base64.urlsafe_b64encode(b"x" + RAW),
    "hex": RAW.hex().encode(),
    "upper-case hex": RAW.hex().upper().encode(),
    "percent": quote(SECRET, safe="").encode(),
    "percent, lower case": b"gehe%2fim%2bp%40%c3%9f%20%27w%c3%b6rt%22er%27",
    "a form": quote_plus(SECRET).encode(),
    "JSON": json.dumps({"a": SECRET}).encode(),
    "JSON in UTF-8": json.dumps({"a": SECRET}, ensure_ascii=False).encode(),
    "Python": repr([SECRET]).encode(),
    "HTML": html.escape(SECRET).encode(),
    "a shell": shlex.quote(SECRET).encode(),
    "between double quotes": SECRET.replace('"', '\\"').encode(),
}


@pytest.mark.parametrize("how", ENCODED)
@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_an_encoded_value_is_masked(how: str, cut: int) -> None:
    """But for the letters that share their bits with what stands before or after."""
    left = masked([SECRET], b"[" + ENCODED[how] + b"]", cut)
    assert left.count(MASK) == 1
    assert len(left) <= len("[***]") + (10 if "base64" in how or "JSON" in how or "a shell" in how else 4)


def test_base64_with_line_breaks() -> None:
    value = "x" * 30 + "0123456789" * 20
    for width in (64, 76):
        letters = base64.b64encode(value.encode()).decode()
        lines = "\n".join(letters[at : at + width] for at in range(0, len(letters), width))
        left = masked([value], lines.encode()).replace(MASK, b"").strip(b"\n=")
        assert len(left) < SHORTEST  # a last line as short as that is anybody's


def test_each_line_of_a_value_is_masked() -> None:
    value = "-----BEGIN KEY-----\n  abcdef012345\r\nxyz\n-----END KEY-----\n"
    assert masked([value], b"a\nabcdef012345\n> -----END KEY-----\nxyz\n") == b"a\n***\n> ***\nxyz\n"


def test_overlapping_values_are_masked_whole() -> None:
    assert masked(["abcdef", "defxyz"], b"1abcdefxyz2") == b"1***2"
    assert masked(["abcdef", "defxyz"], b"1abcdefxyz2", 1) == b"1***2"
    assert masked(["abcdef", "abcdefghij"], b"abcdefghij abcdefgh", 1) == b"*** ***gh"
    assert masked(["aaaa"], b"a" * 1000 + b"b", 3) == b"***b"


def test_two_streams_are_masked_each_for_itself_by_what_is_made_once() -> None:
    masker = Masker([SECRET])
    streams = [masker.another() for _ in range(2)]
    assert all(stream._known is masker._known for stream in streams)
    assert [stream.feed(f"a{SECRET[:5]}".encode()) for stream in streams] == [b"a", b"a"]
    assert streams[0].feed(SECRET[5:].encode()) + streams[0].flush() == MASK
    assert streams[1].flush() == SECRET[:5].encode()


TEXTS = st.text(alphabet="ab01.-_'\"\\/+%&<>$`! \n\r\täß€🙂\u2028\x01", min_size=4, max_size=12)


def forms(value: str) -> set[bytes]:
    return {form for text in texts(value) for form in written(text)} | encodings(value)


@given(TEXTS)
@example("\r'bc\"")  # the second quote decides how Python writes the first
def test_every_form_of_a_value_is_found_by_how_it_begins(value: str) -> None:
    """How it begins is told without making the form."""
    for form in forms(value):
        assert masked([value], form) == MASK


@given(TEXTS.filter(lambda value: len(value.strip()) >= SHORTEST))
def test_urls_are_written_as_the_library_writes_them(value: str) -> None:
    written = {quote(value, safe=safe) for safe in ("", "/", "!*'()")} | {quote_plus(value)}
    lower = {re.sub("%..", lambda found: found[0].lower(), each) for each in written}
    assert {each.encode() for each in written | lower} <= forms(value)


def test_how_values_may_be_escaped_is_made_only_for_what_is_printed() -> None:
    """A few megabytes have millions of such forms: to make all of them would take seconds before the command starts."""
    values = [f"value {chr(ord('A') + number)}\n" + f"{chr(ord('a') + number) * 40}\n" * 50 for number in range(20)]
    masker = Masker(values)
    assert masker._known._made == {}
    assert masker.feed(b"nothing\n" + b"h" * 40) + masker.flush() == b"nothing\n***"
    assert set(masker._known._made) == {b"hhhh"}


def test_short_values_are_not_masked() -> None:
    assert masked(["yes", "", " 1 ", "\n"], b"yes 1\n") == b"yes 1\n"


def test_only_what_may_become_a_value_is_held_back() -> None:
    masker = Masker([SECRET])
    assert masker.feed(b"Password: ") == b"Password: "
    assert masker.feed(RAW[:5]) == b""
    assert masker.feed(b"!") == RAW[:5] + b"!"
    assert masker.feed(b"line\n") == b"line\n"
    assert masker.feed(RAW[:3]) == b""
    assert masker.flush() == RAW[:3]
    assert Masker(["a<  \nbcd"]).feed(b"a&l") == b"a&l", "HTML leaves the line break, and a form has none"


@given(
    st.lists(st.text(alphabet="ab\n", min_size=4, max_size=9), max_size=3),
    st.binary(max_size=0) | st.text(alphabet="ab\n ", max_size=40).map(str.encode),
    st.lists(st.integers(1, 9), max_size=9),
)
def test_no_cut_changes_what_is_shown(values: list[str], printed: bytes, cuts: list[int]) -> None:
    masker, shown, rest = Masker(values), b"", printed
    for cut in cuts:
        shown, rest = shown + masker.feed(rest[:cut]), rest[cut:]
    shown += masker.feed(rest) + masker.flush()
    assert shown == masked(values, printed)
    lines = {line.strip().encode() for value in values for line in value.splitlines() if len(line.strip()) >= 4}
    assert not any(line in shown for line in lines)


def test_much_output_and_many_values_take_little_time() -> None:
    """The time is that of the output, not of output times values."""
    values = [f"secret number {number} of many\n" * 40 for number in range(50)]
    values += [f"value number {number}" for number in range(450)]
    printed = b"an ordinary line of some build, with seconds and numbers 123\n" * 20_000  # 1.2 MB
    masker, began = Masker(values), time.process_time()
    shown = b"".join(masker.feed(printed[at : at + 65536]) for at in range(0, len(printed), 65536)) + masker.flush()
    assert shown == printed
    assert time.process_time() - began < 15  # by each value for itself it would be more than a minute
