"""A made-up chain of Transfer logs, half of them of watched pools, and the pairs that an indexer must find in it.

Pure: the same shape gives the same chain in every process, so that what answers as a node and what compares results
need not talk. `draw` gives the logs as columns of numbers; what they look like as JSON is `made_json`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

FIRST = 18_000_000
"""The number of the first block: as long in hex as those of today's mainnet."""
CHAIN_ID = 1
MATCHING = 0.5
"""The share of logs that are of a watched pool."""
USERS_PER_PAIR = 1 / 3
"""An address has some three pools."""
MOST_LOGS = 4_000
"""Logs of one block, so that a log index has three hex digits at most."""


class Shape(NamedTuple):
    """What a chain is drawn from.

    `pools` are the watched contracts, and as many are not watched; `new_share` is the part of all logs, half at most,
    that are the first of their pair of address and pool.
    """

    blocks: int = 2_000
    logs_per_block: int = 100
    pools: int = 20_000
    new_share: float = MATCHING
    seed: int = 1

    @property
    def last(self) -> int:
        return FIRST + self.blocks - 1


class Columns(NamedTuple):
    """The logs of a chain in their order.

    `contracts` (2 × pools, 20 bytes) begin with the watched ones, `users` are 20 bytes each; `starts` (blocks + 1) says
    where each block's logs begin. `contract`, `sender` and `receiver` say of each log whose it is, as rows of those.
    """

    contracts: Bytes
    users: Bytes
    starts: Numbers
    contract: Numbers
    sender: Numbers
    receiver: Numbers


class Pairs(NamedTuple):
    """What an indexer must find, in the order of address and pool: 20 bytes, 20 bytes, the first block's number."""

    addresses: Bytes
    pools: Bytes
    blocks: Numbers

    def as_set(self) -> set[tuple[bytes, bytes, int]]:
        rows = zip(self.addresses, self.pools, self.blocks.tolist(), strict=True)
        return {(address.tobytes(), pool.tobytes(), block) for address, pool, block in rows}


def draw(shape: Shape) -> Columns:
    """Draw a chain. Blocks have as many logs as comes: `logs_per_block` in the mean, the first none.

    So indexers that want the parent of the first block they read begin with the second and miss nothing.
    """
    if not 0 < shape.new_share <= MATCHING:
        raise ValueError(f"new_share is {shape.new_share}: more than 0 and up to {MATCHING}, the logs that match")
    random = np.random.default_rng(shape.seed)
    counts = np.minimum(random.poisson(shape.logs_per_block, shape.blocks), MOST_LOGS)
    counts[:1] = 0
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    logs = int(starts[-1])
    contract = random.integers(shape.pools, 2 * shape.pools, logs)
    matching = np.flatnonzero(random.random(logs) < MATCHING)
    new = random.random(len(matching)) < shape.new_share / MATCHING
    new[:1] = True
    known = np.cumsum(new)  # pairs seen so far, this log's among them
    again = (random.random(len(matching)) * known).astype(np.int64)
    pair = np.where(new, known - 1, again)
    pairs = int(known[-1]) if len(known) else 0
    users = max(1, round(pairs * USERS_PER_PAIR))
    sender, receiver = random.integers(0, users, logs), random.integers(0, users, logs)
    contract[matching] = random.integers(0, shape.pools, pairs)[pair]
    receiver[matching] = random.integers(0, users, pairs)[pair]
    return Columns(
        random.integers(0, 256, (2 * shape.pools, 20), np.uint8),
        random.integers(0, 256, (users, 20), np.uint8),
        starts,
        contract,
        sender,
        receiver,
    )


def truth(shape: Shape, columns: Columns, last: int | None = None) -> Pairs:
    """Return each pair of a receiver and a watched pool up to block `last` (None: all) with its first block."""
    blocks = shape.blocks if last is None else last - FIRST + 1
    logs = int(columns.starts[blocks])
    found = np.flatnonzero(columns.contract[:logs] < shape.pools)
    keys = columns.receiver[found] * shape.pools + columns.contract[found]
    distinct, first = np.unique(keys, return_index=True)
    places = np.searchsorted(columns.starts, found[first], side="right") - 1
    receivers, pools = np.divmod(distinct, shape.pools)
    addresses, contracts = columns.users[receivers], columns.contracts[pools]
    order = np.lexsort((*contracts.T[::-1], *addresses.T[::-1]))
    return Pairs(addresses[order], contracts[order], FIRST + places[order])
