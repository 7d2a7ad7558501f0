"""What the bloom of a header says of logs: one that it excludes is not in the block; one it does not may be or not.

A bloom has 2,048 bits. Each log sets three for its address and three for each of its topics (Yellow Paper, 4.3.1).
For single logs it is a Python integer here, for which a comparison of all bits at once is one operation; thousands of
watched contracts are asked for by the places of their three bits, all at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from indexer.rpc.proofs.keccak import keccak256
from indexer.rpc.types import Log

BYTES = 256
BITS = 8 * BYTES
ALL_BITS = (1 << 8 * BYTES) - 1

Pair = tuple[bytes, bytes]
"""A contract (20 bytes) and the topic0 (32 bytes) of one of its events."""


class Watched:
    """The watched pairs, prepared for asking a bloom for all of them at once.

    `topics` are the distinct topic0s as lower-case 0x hex, sorted. Preparing costs two hashes a pair at most, asking
    some 0.05 milliseconds for 5,000 pairs.
    """

    def __init__(self, pairs: Iterable[Pair]) -> None:
        by_contract: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for contract, topic0 in pairs:
            by_contract[contract].add(topic0)
        topics = sorted(set[bytes]().union(*by_contract.values()))
        self.topics = tuple("0x" + topic0.hex() for topic0 in topics)
        self._topics = [(bits_of(topic0), topic0) for topic0 in topics]
        self._contracts = list(by_contract.items())
        places = np.array([places_of(contract) for contract in by_contract], dtype=np.intp).reshape(-1, 3)
        # One row for each of the three bits, so that the flags of all contracts are taken in one go.
        self._places = np.ascontiguousarray(places.T)
        self._pairs = {("0x" + each.hex(), "0x" + topic0.hex()) for each in by_contract for topic0 in by_contract[each]}

    def __len__(self) -> int:
        return len(self._pairs)

    def holds(self, log: Log) -> bool:
        """Whether the log is of a watched pair."""
        return bool(log.topics) and (log.address, log.topics[0]) in self._pairs

    def not_excluded(self, bloom: bytes) -> set[Pair]:
        """Return the pairs of which the block may hold logs: contract and topic0 are both in its bloom (256 bytes)."""
        unset = _unset(bloom)
        there = {topic0 for bits, topic0 in self._topics if not bits & unset}
        if not there:
            return set()
        # The lowest bit of the number that a bloom is stands last.
        flags = np.unpackbits(np.frombuffer(bloom, dtype=np.uint8))[::-1]
        first, second, third = flags[self._places]
        contracts = [self._contracts[at] for at in np.flatnonzero(first & second & third)]
        return {(contract, topic0) for contract, topics in contracts for topic0 in topics & there}


def missing_from_bloom(bloom: bytes, logs: Iterable[Log]) -> Log | None:
    """Return the first log that the bloom (256 bytes) excludes, so that one of them is wrong; None if there is none."""
    unset = _unset(bloom)
    for log in logs:
        for value in (log.address, *log.topics):
            if _bits_of_hex(value) & unset:
                return log
    return None


def bloom_of(logs: Iterable[Log]) -> bytes:
    """Return the 256 bytes of the bloom of logs."""
    bits = 0
    for log in logs:
        for value in (log.address, *log.topics):
            bits |= _bits_of_hex(value)
    return bits.to_bytes(BYTES, "big")


def bits_of(value: bytes) -> int:
    """Return the bits that an address or a topic sets: the low eleven of each of the hash's first three byte pairs."""
    first, second, third = places_of(value)
    return 1 << first | 1 << second | 1 << third


def places_of(value: bytes) -> list[int]:
    """Return the same as the numbers of the three bits, the lowest of the bloom being 0; some may be equal."""
    digest = keccak256(value)
    return [int.from_bytes(digest[at : at + 2], "big") % BITS for at in (0, 2, 4)]


@lru_cache(maxsize=8192)  # the same contracts, events and pools come again in every block
def _bits_of_hex(text: str) -> int:
    return bits_of(bytes.fromhex(text[2:]))


def _unset(bloom: bytes) -> int:
    if len(bloom) != BYTES:
        raise ValueError(f"a bloom has {BYTES} bytes, not {len(bloom)}")
    return ALL_BITS ^ int.from_bytes(bloom, "big")
