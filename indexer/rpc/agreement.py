"""Whether two answers hold the same logs, and in which blocks they do not. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from indexer.rpc.columns import Logs, same_columns
from indexer.rpc.types import Log

Identity = tuple[str, int, str, tuple[str, ...], str]


def identity(log: Log) -> Identity:
    """What makes a log that log; the transaction's hash is left out, since some nodes give none."""
    return (log.block_hash, log.log_index, log.address, tuple(log.topics), log.data.lower())


def same_logs(one: Iterable[Log], other: Iterable[Log]) -> bool:
    """Whether both hold the same logs, in whatever order."""
    return {identity(log) for log in one} == {identity(log) for log in other}


def differing_blocks(one: Logs, other: Logs) -> list[int]:
    """The numbers of the blocks of which the two do not hold the same logs, in order."""
    if same_columns(one.in_order(), other.in_order()):
        return []
    found: tuple[defaultdict[int, set[Identity]], ...] = (defaultdict(set), defaultdict(set))
    for side, logs in zip(found, (one, other), strict=True):
        for log in logs:
            side[log.block_number].add(identity(log))
    numbers = found[0].keys() | found[1].keys()
    return sorted(number for number in numbers if found[0][number] != found[1][number])
