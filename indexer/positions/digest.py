"""One number that stands for a set of logs, in whatever order they came."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

MODULUS = 2**128
"""Digests of sets are the sums of their logs' digests below this."""


class IdentifiedLog(Protocol):
    """What makes a log that log: lower-case 0x hex text, as `indexer.rpc.types.Log` has it."""

    @property
    def address(self) -> str: ...
    @property
    def topics(self) -> Sequence[str]: ...
    @property
    def data(self) -> str: ...
    @property
    def block_hash(self) -> str: ...
    @property
    def log_index(self) -> int: ...


def log_digest(log: IdentifiedLog) -> int:
    """16 bytes of BLAKE2b over the log's block, place and content, as a number.

    The transaction's hash is left out: some nodes give none.
    """
    text = f"{log.block_hash}{log.log_index},{log.address}{','.join(log.topics)};{log.data.lower()}"
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest())


def spell_digest(digest: int) -> str:
    """0x and 32 hex digits, as people and programs read it."""
    return f"0x{digest:032x}"
