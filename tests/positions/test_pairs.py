"""Pairs as columns say what dicts say, for any pairs; those known to be stored are never guessed."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions.pairs import EMPTY, KnownPairs, Pairs, distinct, merge, pairs_to_gather

Row = tuple[bytes, int, int]
"""Address, job, block."""

# Few of each, so that they repeat; and addresses that differ at either end, in the middle, or only in what a sign or a
# byte order could confuse.
NEAR = [bytes(20), b"\xff" * 20, b"\x80" + bytes(19), bytes(8) + b"\x01" + bytes(11), bytes(16) + b"\x80\0\0\0"]
NEAR += [bytes(19) + b"\x01", bytes(7) + b"\x01" + bytes(12), bytes(15) + b"\x01" + bytes(4)]
ADDRESSES = st.sampled_from(NEAR) | st.binary(min_size=20, max_size=20)
JOBS = st.sampled_from([0, 1, 255, 256, 2**31 - 1]) | st.integers(0, 2**31 - 1)
BLOCKS = st.integers(0, 5) | st.integers(0, 2**63 - 1)
ROWS = st.lists(st.tuples(ADDRESSES, JOBS, BLOCKS), max_size=40)


def pairs_of(rows: Sequence[Row]) -> Pairs:
    return Pairs(
        np.frombuffer(b"".join(row[0] for row in rows), np.uint8).reshape(-1, 20),
        np.array([row[1] for row in rows], np.int32),
        np.array([row[2] for row in rows], np.int64),
    )


def rows_of(pairs: Pairs) -> list[Row]:
    return [
        (address.tobytes(), int(job), int(block))
        for address, job, block in zip(pairs.addresses, pairs.jobs, pairs.blocks, strict=True)
    ]


def least(rows: Sequence[Row]) -> dict[tuple[bytes, int], int]:
    blocks: dict[tuple[bytes, int], int] = {}
    for address, job, block in rows:
        blocks[address, job] = min(block, blocks.get((address, job), block))
    return blocks


@given(ROWS)
def test_distinct_pairs_are_sorted_and_have_their_least_block(rows: list[Row]) -> None:
    assert rows_of(distinct(pairs_of(rows))) == [(*key, block) for key, block in sorted(least(rows).items())]


@given(st.lists(ROWS, max_size=4))
def test_parts_are_merged_in_their_order(parts: list[list[Row]]) -> None:
    merged = merge([pairs_of(part) for part in parts])
    assert rows_of(merged) == [row for part in parts for row in part]
    assert [column.dtype.name for column in merged] == ["uint8", "int32", "int64"]


def test_many_pairs_are_distinct_as_few_are() -> None:
    random = np.random.default_rng(5)
    addresses = random.integers(0, 256, (3_000, 20), dtype=np.uint8)
    of = random.integers(0, 3_000, 50_000)
    many = Pairs(addresses[of], random.integers(0, 5, 50_000, dtype=np.int32), random.integers(0, 10**7, 50_000))
    alike = many._replace(addresses=np.concatenate([np.zeros((50_000, 9), np.uint8), many.addresses[:, 9:]], axis=1))
    for pairs in (many, alike):
        assert rows_of(distinct(pairs)) == [(*key, block) for key, block in sorted(least(rows_of(pairs)).items())]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), ROWS), max_size=8), st.sampled_from([2, 64, 4096]))
def test_what_is_called_known_has_been_noted_with_that_block_or_an_earlier_one(
    steps: list[tuple[bool, list[Row]]], slots: int
) -> None:
    known, noted = KnownPairs(slots), dict[tuple[bytes, int], int]()
    for is_commit, rows in steps:
        unknown = rows_of(known.unknown(pairs_of(rows)))
        at = iter(rows)
        assert all(row in at for row in unknown), "some of those asked for, in their order"
        for address, job, block in set(rows) - set(unknown):
            assert noted[address, job] <= block
        if is_commit:
            known.note(pairs_of(rows))
            noted = least([*((*key, block) for key, block in noted.items()), *rows])


@given(ROWS)
def test_the_pair_noted_last_is_known_until_an_earlier_block_or_a_clearing(rows: list[Row]) -> None:
    known = KnownPairs(64)
    for row in rows:
        known.note(pairs_of([row]))
        assert known.unknown(pairs_of([row, (*row[:2], row[2] + (row[2] < 2**63 - 1))])).size == 0
        earlier = [(*row[:2], row[2] - 1)] if row[2] else []
        assert rows_of(known.unknown(pairs_of(earlier))) == earlier
    known.clear()
    assert rows_of(known.unknown(pairs_of(rows))) == rows


def test_most_of_many_pairs_noted_are_known() -> None:
    random = np.random.default_rng(6)
    pairs = Pairs(
        random.integers(0, 256, (2_000, 20), dtype=np.uint8),
        np.arange(2_000, dtype=np.int32),
        np.zeros(2_000, np.int64),
    )
    known = KnownPairs(1 << 16)
    known.note(pairs)
    assert known.unknown(pairs).size < 100, "as few as share a slot by chance"


def test_no_pairs_are_no_trouble() -> None:
    known = KnownPairs(2)
    known.note(EMPTY)
    assert merge([]).size == distinct(EMPTY).size == known.unknown(EMPTY).size == 0


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        (0, 50_000),  # a new chain shows its first rows soon
        (5_000_000, 50_000),
        (10_000_000, 100_000),
        (100_000_000, 1_000_000),
        (10**10, 1_000_000),  # the worker's memory ends there
    ],
)
def test_more_pairs_are_gathered_for_a_bigger_table(rows: int, pairs: int) -> None:
    assert pairs_to_gather(rows) == pairs
