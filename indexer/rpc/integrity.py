"""What can be checked in an answer by itself, before it may be stored. Pure: values in, sorted values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from indexer.rpc.errors import BlockUnknown, Inconsistent
from indexer.rpc.types import Header, Log

LARGEST_LOG_INDEX = 2**31 - 1
"""Providers have answered garbage such as 0xfffffff7; no block holds two thousand million logs."""

ROUND = frozenset({100, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000})


def check_block_logs(header: Header, logs: Sequence[Log]) -> list[Log]:
    """Return the logs of one block by log index.

    Raises Inconsistent when a log names another block hash or number, is removed, repeats a log index or has an index
    no block can hold.
    """
    expected = "0x" + header.hash.hex()
    for log in logs:
        if log.block_hash != expected:
            raise Inconsistent(f"block {header.number:,}: a log of block hash {log.block_hash}, not {expected}")
    return check_range_logs(header.number, header.number, logs)


def check_range_logs(first: int, last: int, logs: Sequence[Log]) -> list[Log]:
    """Return the logs of blocks `first` to `last` by block number and log index.

    Raises Inconsistent when a log lies outside, is removed, repeats a (block, log index), has an index no block can
    hold, or when one block number comes with two hashes.
    """
    placed: dict[tuple[int, int], Log] = {}
    hashes: dict[int, str] = {}
    for log in logs:
        number, index = log.block_number, log.log_index
        where = f"block {number:,}, log index {index}"
        if not first <= number <= last:
            raise Inconsistent(f"{where}: outside the asked blocks {first:,}-{last:,}")
        if log.removed:
            raise Inconsistent(f"{where}: removed by a reorg")
        if index > LARGEST_LOG_INDEX:
            raise Inconsistent(f"{where}: no block has that many logs")
        if (number, index) in placed:
            raise Inconsistent(f"{where}: came twice")
        if hashes.setdefault(number, log.block_hash) != log.block_hash:
            raise Inconsistent(f"block {number:,}: came with two hashes, {hashes[number]} and {log.block_hash}")
        placed[number, index] = log
    return [placed[place] for place in sorted(placed)]


def check_boundaries(
    numbers: Sequence[int], headers: Sequence[Header | None], logs: Iterable[Log], null_rounds: Collection[int] = ()
) -> None:
    """Check answers, each of which ends at one of these blocks, against the same node's headers of them.

    Raises BlockUnknown when the node has not all these blocks, besides heights that never have one; Inconsistent when a
    log of one of them has another hash, or there is no such block.
    """
    hashes: dict[int, str] = {}
    for number, header in zip(numbers, headers, strict=True):
        if number in null_rounds:
            hashes[number] = "none"
            continue
        if header is None:
            raise BlockUnknown(
                f"logs of blocks {numbers[0]:,}-{numbers[-1]:,} were asked for, but block {number:,} is not there"
            )
        hashes[number] = "0x" + header.hash.hex()
    for log in logs:
        expected = hashes.get(log.block_number, log.block_hash)
        if log.block_hash != expected:
            raise Inconsistent(f"block {log.block_number:,}: a log of block hash {log.block_hash}, not {expected}")


def is_round(count: int) -> bool:
    """Whether so many logs may be an answer that was cut without a word: providers cut at such numbers."""
    return count in ROUND


def check_parent(header: Header, parent_hash: bytes) -> None:
    """Raise Inconsistent unless `header` follows the block whose hash is `parent_hash`."""
    if header.parent_hash != parent_hash:
        raise Inconsistent(
            f"block {header.number:,}: its parent is 0x{header.parent_hash.hex()}, not 0x{parent_hash.hex()}"
        )
