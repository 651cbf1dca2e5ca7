"""The chain's bytes, exactly, and every way of breaking it."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_vault import BrokenChain
from secrets_vault.hashchain import GENESIS, Row, entry_hash, verify

ENTRIES = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=60)), max_size=12)


def chain(entries: list[tuple[int, bytes]]) -> list[Row]:
    rows, head = [], GENESIS
    for position, (at_us, entry) in enumerate(entries, start=1):
        digest = entry_hash(head, position, at_us, entry)
        rows.append((position, at_us, entry, head, digest))
        head = digest
    return rows


THREE = chain([(1_700_000_000_000_000, b'{"a":1}'), (1_700_000_000_000_001, "zwölf".encode()), (-1, b"")])


def test_genesis_is_32_zero_bytes() -> None:
    assert bytes(32) == GENESIS


def test_the_first_hash_byte_by_byte() -> None:
    written_out = (
        b"bulkhead-audit-v1"
        + bytes(32)
        + bytes.fromhex("0000000000000001")  # position
        + bytes.fromhex("00060a24181e4000")  # 1,700,000,000,000,000 µs
        + bytes.fromhex("0000000000000007")  # length
        + b'{"a":1}'
    )
    assert THREE[0][4] == hashlib.sha256(written_out).digest()


def test_a_time_before_1970_is_twos_complement() -> None:
    written_out = b"bulkhead-audit-v1" + THREE[1][4] + b"\0" * 7 + b"\3" + b"\xff" * 8 + bytes(8)
    assert THREE[2][4] == hashlib.sha256(written_out).digest()


def test_known_hashes_stay_as_they_are() -> None:
    """PostgreSQL computes these too: a change here would orphan every stored log."""
    assert entry_hash(GENESIS, 1, 0, b"").hex() == "135a51dc7763504ed0af1ac5c19633b603108f7c5274c2542d999607e96db6b9"
    assert entry_hash(bytes(range(32)), 2**63 - 1, -(2**63), "zwölf".encode()).hex() == (
        "fda6a77712cf2944ced73b933278645fe1260712e2c4be25428d8fe7ca6cd888"
    )


@settings(deadline=None)
@given(ENTRIES)
def test_an_honest_chain_verifies_to_its_head(entries: list[tuple[int, bytes]]) -> None:
    rows = chain(entries)
    assert verify(iter(rows)) == (rows[-1][4] if rows else GENESIS)


@settings(deadline=None)
@given(ENTRIES.filter(bool), st.data())
def test_any_altered_field_breaks_it_there(entries: list[tuple[int, bytes]], data: st.DataObject) -> None:
    rows: list[Row] = chain(entries)
    at = data.draw(st.integers(0, len(rows) - 1))
    position, at_us, entry, previous, digest = rows[at]
    rows[at] = data.draw(
        st.sampled_from(
            [
                (position + 1, at_us, entry, previous, digest),
                (position, at_us ^ 1, entry, previous, digest),
                (position, at_us, entry + b"\0", previous, digest),
                (position, at_us, entry, bytes([previous[0] ^ 1]) + previous[1:], digest),
                (position, at_us, entry, previous, digest[:-1] + bytes([digest[-1] ^ 1])),
            ]
        )
    )
    with pytest.raises(BrokenChain) as broken:
        verify(rows)
    assert broken.value.position == at + 1


REARRANGED = {
    "the first removed": ([THREE[1], THREE[2]], 1),
    "one in the middle removed": ([THREE[0], THREE[2]], 2),
    "two exchanged": ([THREE[0], THREE[2], THREE[1]], 2),
    "one repeated": ([THREE[0], THREE[0], THREE[1]], 2),
    "another chain's row": ([THREE[0], chain([(0, b"x"), (0, b"y")])[1]], 2),
    "position 0": ([(0, *THREE[0][1:])], 1),
    "removed and renumbered": ([THREE[0], (2, *THREE[2][1:])], 2),
    "a row rewritten with its hash": ([THREE[0], chain([(9, b"!"), (9, b"!")])[1], THREE[2]], 2),
    "a short previous": ([(1, 0, b"", bytes(31), bytes(32))], 1),
    "a time out of range": ([(1, 2**63, b"", GENESIS, bytes(32))], 1),
    "an empty hash": ([(1, 0, b"", GENESIS, b"")], 1),
}


@pytest.mark.parametrize(("rows", "position"), REARRANGED.values(), ids=REARRANGED.keys())
def test_rearranged_rows_break_it(rows: list[Row], position: int) -> None:
    with pytest.raises(BrokenChain) as broken:
        verify(rows)
    assert broken.value.position == position


@pytest.mark.parametrize(
    ("previous", "position", "at_us"),
    [
        (bytes(31), 1, 0),
        (bytes(33), 1, 0),
        (GENESIS, 0, 0),
        (GENESIS, -1, 0),
        (GENESIS, 2**63, 0),
        (GENESIS, 1, 2**63),
        (GENESIS, 1, -(2**63) - 1),
    ],
)
def test_values_without_an_encoding_are_refused(previous: bytes, position: int, at_us: int) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|count from 1|fits 64 bits"):
        entry_hash(previous, position, at_us, b"")
