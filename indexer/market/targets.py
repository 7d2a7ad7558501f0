"""What of a source's rows goes into which columns."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from indexer.market.chain_names import OTHER_NAMES
from indexer.market.linking import chain_ids, protocol_ids
from indexer.market.shapes import ChainRow, PoolRow, ProtocolRow
from indexer.market.upsert import Target

# A row that comes is there, hence vanished_at, which it gives up with its other old values.
CHAINS = Target("market_chains", ("name",), ("chain_id", "gecko_id", "cmc_id", "token_symbol", "tvl", "vanished_at"))
PROTOCOLS = Target(
    "protocols",
    ("id",),
    (
        *("slug", "name", "symbol", "category", "address", "url", "logo", "description", "twitter", "gecko_id"),
        *("cmc_id", "parent", "chains", "listed_at", "tvl", "mcap", "change_1h", "change_1d", "change_7d"),
        *("chain_tvls", "vanished_at"),
    ),
)
POOLS = Target(
    "pools",
    ("id",),
    (
        *("chain", "chain_id", "project", "protocol_id", "symbol", "pool_meta", "underlying_tokens", "reward_tokens"),
        *("stablecoin", "il_risk", "exposure", "tvl", "apy", "apy_base", "apy_reward", "apy_mean_30d", "il_7d"),
        *("volume_1d", "volume_7d", "outlier", "vanished_at"),
    ),
    once=("created_at",),
)
Values = tuple[Any, ...]


def read_chains() -> Callable[[ChainRow], Values]:
    def values(row: ChainRow) -> Values:
        chain_id = OTHER_NAMES.get(row.name) if row.chain_id is None else row.chain_id
        return (row.name, chain_id, row.gecko_id, row.cmc_id, row.token_symbol, row.tvl, None)

    return values


def read_protocols() -> Callable[[ProtocolRow], Values]:
    def values(row: ProtocolRow) -> Values:
        listed_at = None if row.listed_at is None else datetime.fromtimestamp(row.listed_at, UTC)
        return (
            *(row.id, row.slug, row.name, row.symbol, row.category, row.address, row.url, row.logo, row.description),
            *(row.twitter, row.gecko_id, row.cmc_id, row.parent, row.chains or [], listed_at, row.tvl, row.mcap),
            *(row.change_1h, row.change_1d, row.change_7d, Jsonb(row.chain_tvls or {}), None),
        )

    return values


def read_pools() -> Callable[[PoolRow], Values]:
    """By the chains and the protocols as they are known now."""
    chains, protocols = chain_ids(), protocol_ids()

    def values(row: PoolRow) -> Values:
        return (
            *(row.id, row.chain, chains.get(row.chain), row.project, protocols.get(row.project), row.symbol),
            *(row.pool_meta, row.underlying_tokens, row.reward_tokens, row.stablecoin, row.il_risk, row.exposure),
            *(row.tvl, row.apy, row.apy_base, row.apy_reward, row.apy_mean_30d, row.il_7d),
            *(row.volume_1d, row.volume_7d, row.outlier, None),
        )

    return values
