"""Derived keys: unlike for every use, alike for the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_vault import derive

SECRET = bytes(range(32))
KNOWN = "b7a904cf95e501b1c6af6c726913ade1968d12ab34a23697d55a2a1e703ee52d"
names = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=4)


def test_it_is_deterministic_and_as_long_as_asked() -> None:
    assert derive(SECRET, "a", "b") == derive(SECRET, "a", "b")
    assert [len(derive(SECRET, "a", length=n)) for n in (16, 32, 64, 100)] == [16, 32, 64, 100]


def test_a_known_value_stays_as_it_is() -> None:
    """Roles' passwords are derived so: another value would lock a deployment out."""
    assert derive(SECRET, "database role", "t_0123456789abcdef", "1").hex() == KNOWN


@settings(deadline=None)
@given(first=names, second=names)
def test_other_names_give_other_bytes(first: list[str], second: list[str]) -> None:
    assert (derive(SECRET, "x", *first) == derive(SECRET, "x", *second)) == (first == second)


@pytest.mark.parametrize("names", [("ab", "c"), ("a", "b", "c"), ("abc",), ("a", "bc", "")])
def test_borders_between_names_are_kept(names: tuple[str, ...]) -> None:
    assert derive(SECRET, *names) != derive(SECRET, "a", "bc")


def test_lengths_and_secrets_are_not_confused() -> None:
    assert derive(SECRET, "a", length=64)[:32] != derive(SECRET, "a")
    assert derive(bytes(32), "a") != derive(SECRET, "a")


@pytest.mark.parametrize("length", [-1, 0, 15, 255 * 64 + 1])
def test_lengths_out_of_range_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 to 16,320"):
        derive(SECRET, "a", length=length)


def test_short_secrets_and_empty_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        derive(bytes(31), "a")
    with pytest.raises(ValueError, match="label"):
        derive(SECRET, "")
