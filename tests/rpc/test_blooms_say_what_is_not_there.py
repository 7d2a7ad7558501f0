"""Blooms exclude what a block cannot hold: watched pairs without logs in it, and logs that are not of it."""

from __future__ import annotations

import random
from time import perf_counter

import msgspec
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from indexer.rpc import Log
from indexer.rpc.proofs import Watched, bloom_of, missing_from_bloom

from .samples import hex_hash, log_json

EVERYTHING, NOTHING = b"\xff" * 256, bytes(256)

contracts = st.binary(min_size=20, max_size=20)
topics = st.binary(min_size=32, max_size=32)
pair_sets = st.sets(st.tuples(contracts, topics), max_size=30)


def log_of(contract: bytes, *topics: bytes) -> Log:
    named = ["0x" + topic.hex() for topic in topics]
    return msgspec.convert(log_json(5, 0, address="0x" + contract.hex(), topics=named), Log)


def independent_bloom(*values: bytes) -> bytes:
    """By the words of the Yellow Paper, bit by bit, from the first byte on."""
    bloom = bytearray(256)
    for value in values:
        digest = keccak(value)
        for at in (0, 2, 4):
            bit = (digest[at] * 256 + digest[at + 1]) % 2048
            bloom[255 - bit // 8] |= 1 << bit % 8
    return bytes(bloom)


@given(st.lists(st.tuples(contracts, st.lists(topics, max_size=4)), max_size=6))
def test_the_bloom_of_logs_holds_their_addresses_and_topics(parts: list[tuple[bytes, list[bytes]]]) -> None:
    logs = [log_of(contract, *topics) for contract, topics in parts]
    bloom = bloom_of(logs)
    assert bloom == independent_bloom(*(value for contract, topics in parts for value in (contract, *topics)))
    assert missing_from_bloom(bloom, logs) is None


@given(pair_sets, pair_sets, topics)
def test_a_pair_with_a_log_in_the_block_is_never_excluded(
    watched: set[tuple[bytes, bytes]], others: set[tuple[bytes, bytes]], user: bytes
) -> None:
    pairs = Watched(watched | others)
    found = pairs.not_excluded(bloom_of(log_of(*pair, user) for pair in watched))
    assert watched <= found <= watched | others
    assert len(pairs) == len(watched | others)


def test_what_the_bloom_excludes_is_left_out() -> None:
    a, b = b"\xaa" * 20, b"\xbb" * 20
    first, second = b"\x01" * 32, b"\x02" * 32
    pairs = Watched([(a, first), (a, second), (b, first), (a, first)])
    assert len(pairs) == 3
    assert pairs.topics == ("0x" + "01" * 32, "0x" + "02" * 32)
    assert pairs.not_excluded(bloom_of([log_of(a, first)])) == {(a, first)}
    # A bloom cannot tell who logged what: one log each of two other pairs lets these two through.
    assert pairs.not_excluded(bloom_of([log_of(a, second), log_of(b, first)])) == {(a, first), (a, second), (b, first)}
    assert pairs.not_excluded(bloom_of([log_of(a)])) == set()  # an address alone is no event
    assert pairs.not_excluded(bloom_of([log_of(b"\xcc" * 20, first)])) == set()
    assert pairs.not_excluded(EVERYTHING) == {(a, first), (a, second), (b, first)}
    assert pairs.not_excluded(NOTHING) == set()


def test_nothing_watched_is_nothing_found() -> None:
    pairs = Watched([])
    assert (len(pairs), pairs.topics, pairs.not_excluded(EVERYTHING)) == (0, (), set())


def test_a_log_is_held_by_its_contract_and_first_topic_together() -> None:
    a, b = b"\xaa" * 20, b"\xbb" * 20
    first, second = b"\x01" * 32, b"\x02" * 32
    pairs = Watched([(a, first), (b, second)])
    assert pairs.holds(log_of(a, first))
    assert pairs.holds(log_of(b, second, first))
    assert not pairs.holds(log_of(a, second))
    assert not pairs.holds(log_of(a, second, first))
    assert not pairs.holds(log_of(a))


def test_a_log_that_the_bloom_excludes_is_found() -> None:
    logs = [log_of(bytes([n]) * 20, bytes([n]) * 32, bytes([n + 100]) * 32) for n in range(1, 6)]
    assert missing_from_bloom(bloom_of(logs), logs) is None
    assert missing_from_bloom(NOTHING, logs) is logs[0]
    assert missing_from_bloom(NOTHING, []) is None
    # Any one value of a log that is not there excludes it, not only its address.
    for log in logs:
        parts = [bytes.fromhex(text[2:]) for text in (log.address, *log.topics)]
        for missing in parts:
            bloom = independent_bloom(*(part for part in parts if part != missing))
            assert missing_from_bloom(bloom, [log]) is log


@pytest.mark.parametrize("size", [0, 255, 257])
def test_a_bloom_of_another_size_is_a_mistake_of_ours(size: int) -> None:
    with pytest.raises(ValueError, match=f"a bloom has 256 bytes, not {size}"):
        Watched([]).not_excluded(bytes(size))


def test_five_thousand_pairs_are_asked_for_in_a_few_milliseconds() -> None:
    seeded = random.Random(4)
    pairs = Watched((seeded.randbytes(20), bytes.fromhex(hex_hash(n % 50)[2:])) for n in range(5_000))
    bloom = independent_bloom(*(seeded.randbytes(20) for _ in range(300)))
    seconds = []
    for _ in range(5):
        start = perf_counter()
        pairs.not_excluded(bloom)
        seconds.append(perf_counter() - start)
    assert min(seconds) < 0.01
