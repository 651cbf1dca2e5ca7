"""Associated data can be read in one way only."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_vault import Place
from secrets_vault.binding import encode, encode_context
from tests.secrets_vault.conftest import ITEM, PLACE, TENANT

fields = st.lists(st.binary(max_size=20), max_size=6)


def decode(data: bytes) -> list[bytes]:
    found = []
    while data:
        length = int.from_bytes(data[:8], "big")
        found.append(data[8 : 8 + length])
        data = data[8 + length :]
    return found


@settings(deadline=None)
@given(fields)
def test_fields_can_be_read_back(values: list[bytes]) -> None:
    assert decode(encode(*values)) == values


@settings(deadline=None)
@given(fields, fields)
def test_encodings_join(first: list[bytes], second: list[bytes]) -> None:
    assert encode(*first) + encode(*second) == encode(*first, *second)


def test_a_place_byte_by_byte() -> None:
    assert PLACE.encoded == (
        (36).to_bytes(8, "big")
        + str(TENANT).encode()
        + (16).to_bytes(8, "big")
        + b"parameters.value"
        + (36).to_bytes(8, "big")
        + str(ITEM).encode()
        + (8).to_bytes(8, "big")
        + (3).to_bytes(8, "big")
    )


def test_a_uuid_and_its_text_are_one_place() -> None:
    assert Place(str(TENANT), "parameters.value", str(ITEM), 3) == PLACE
    assert hash(Place(str(TENANT), "parameters.value", str(ITEM), 3)) == hash(PLACE)


@pytest.mark.parametrize(
    ("tenant", "purpose", "item", "version"),
    [("", "p", "i", 1), ("t", "", "i", 1), ("t", "p", "", 1), ("t", "p", "i", -1), ("t", "p", "i", 2**63)],
)
def test_half_a_place_is_refused(tenant: UUID | str, purpose: str, item: UUID | str, version: int) -> None:
    with pytest.raises(ValueError, match="a place"):
        Place(tenant, purpose, item, version)


def test_a_context_does_not_depend_on_its_order() -> None:
    assert (
        encode_context({"a": "1", "b": "2"}) == encode_context({"b": "2", "a": "1"}) == encode(b"a", b"1", b"b", b"2")
    )
