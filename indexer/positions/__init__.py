"""The address index: jobs, the two loops, and the lookup. What other programs may use of it:

watch_key             the key of a watched event: "0xcontract#0xtopic0"
token_event_mappings  watch lists → watch key → definitions
process_receipts      receipts and such mappings → positions, without a database
pool_filter           an address → the contracts worth asking for its balances on a chain
chain_connections     open connections into the schemas of chains
"""

from typing import TYPE_CHECKING, Any

from indexer.positions.receipts import Position, process_receipts, token_event_mappings
from indexer.positions.watch import watch_key

if TYPE_CHECKING:
    from indexer.positions.filters import PoolFilter, chain_connections, pool_filter

__all__ = [
    "PoolFilter",
    "Position",
    "chain_connections",
    "pool_filter",
    "process_receipts",
    "token_event_mappings",
    "watch_key",
]


def __getattr__(name: str) -> Any:
    """These need Django's models, which do not exist yet when Django imports this package."""
    if name in ("PoolFilter", "chain_connections", "pool_filter"):
        from indexer.positions import filters

        return getattr(filters, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
