"""For other programs with Django set up: which contracts to ask for an address's balances."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from indexer.chains.connections import Connection, connect
from indexer.chains.registry import find_chain
from indexer.positions.address import parse_address
from indexer.positions.lookup import Verified, look_up


class PoolFilter(NamedTuple):
    """`contracts` (EIP-55) are the pools touched and those that must still be checked: never too few.

    `metadata` gives key → values by contract; `as_of` the block it is true for, None for a chain never indexed;
    `verified` what the blocks it rests on were checked against, None where none is read.
    """

    contracts: frozenset[str]
    metadata: dict[str, dict[str, list[str]]]
    complete: bool
    as_of: int | None
    verified: Verified | None


def pool_filter(address: str, chain: str) -> PoolFilter:
    """What to ask for an address (0x hex, any case) on a chain (its slug). Raises ValueError, ChainError."""
    asked = [find_chain(chain)]
    user = parse_address(address, strict=False)
    contracts: set[str] = set()
    metadata: dict[str, dict[str, list[str]]] = {}
    after = b""
    while True:
        answer = look_up(user, asked, after=after).chains[0]
        contracts |= {pool.contract for pool in answer.pools} | set(answer.check_also.contracts)
        metadata |= {pool.contract: pool.metadata for pool in answer.pools if pool.metadata}
        if not answer.check_also.next:
            return PoolFilter(
                frozenset(contracts),
                metadata,
                answer.complete,
                answer.as_of.block if answer.as_of else None,
                answer.verified,
            )
        after = bytes.fromhex(answer.check_also.contracts[-1][2:])


@contextmanager
def chain_connections(*chains: str) -> Iterator[dict[str, Connection]]:
    """One open autocommit connection by slug, each in its chain's schema; closed at the end. Raises ChainError."""
    with ExitStack() as stack:
        yield {slug: stack.enter_context(connect(find_chain(slug))) for slug in chains}
