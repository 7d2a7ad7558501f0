"""?expand=market: lookups with what the market says of the contracts in them. Nothing of it costs without."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec import UNSET, Meta, Struct, UnsetType, json

from api.questions import shorten, wrong_parameter
from indexer.positions.batch import Batch
from indexer.positions.lookup import ChainAnswer, ChainState, Eip55, FoundPool, Lookup
from indexer.positions.union import ask, read_from

MEANING = "market, for what the market says of each contract"
MOST = 20
"""Pools of one contract that are shown: a vault or a router can stand in the URLs of thousands."""
# EXPLAIN: an index scan of contract_mappings_of for each contract, then of the primary keys.
MARKET = f"""
SELECT row_number() OVER (ORDER BY found.confidence DESC, found.tvl DESC NULLS LAST, found.id), wanted.chain_id,
       wanted.address, found.more, found.id::text, found.symbol, found.project, r.name, found.tvl, found.apy,
       found.confidence
  FROM unnest($1::bigint[], $2::text[]) AS wanted (chain_id, address)
 CROSS JOIN LATERAL (
       SELECT p.id, p.symbol, p.project, p.protocol_id, p.tvl, p.apy, m.confidence, count(*) OVER () - {MOST} AS more
         FROM public.contract_mappings m
         JOIN public.pools p ON p.id = m.pool_id AND p.vanished_at IS NULL
        WHERE (m.chain_id, m.address) = (wanted.chain_id, wanted.address)
          AND m.kind = 'pool' AND NOT m.refuted AND m.confidence > 0
        ORDER BY m.confidence DESC, p.tvl DESC NULLS LAST, p.id LIMIT {MOST}) AS found
  LEFT JOIN public.protocols r ON r.id = found.protocol_id
"""


class MarketPool(Struct):
    """A pool of the market that a contract may be. Null is what the source does not say."""

    pool: Annotated[str, Meta(description="its id, a UUID")]
    name: Annotated[str, Meta(examples=["WETH-USDC"])]
    project: Annotated[str, Meta(description="the protocol's slug", examples=["uniswap-v2"])]
    protocol: Annotated[str | None, Meta(description="the protocol's name")]
    tvl: Annotated[float | None, Meta(description="US dollars")]
    apy: Annotated[float | None, Meta(description="per cent")]
    confidence: Annotated[float, Meta(description="that the contract is this pool, 0 to 1")]


class ExpandedPool(FoundPool):
    """`market` with expand=market only: the pools that the contract may be, the surest first, 20 at most."""

    market: list[MarketPool] | UnsetType = UNSET
    market_more: Annotated[int | UnsetType, Meta(description="pools beyond those; left out where there are none")] = (
        UNSET
    )


class ExpandedChain(ChainAnswer):
    """What one chain says of an address. `pools` and `check_also` together are never too small."""

    pools: Annotated[list[ExpandedPool], Meta(description="by first block, then contract")]  # type: ignore[assignment]


class ExpandedLookup(Lookup):
    """What every chain says of an address, by chain id."""

    chains: list[ExpandedChain]  # type: ignore[assignment]


class ExpandedAddress(Struct):
    """The pools of one address; a chain on which it has none is left out."""

    address: Eip55
    chains: Annotated[dict[str, list[ExpandedPool]], Meta(description="by chain")]


class ExpandedBatch(Batch):
    """`chains` hold for every address: an address's pools there and its `check_also` are never too small.

    A link `next` has {address} where the address belongs that is looked up.
    """

    chains: list[ChainState]
    addresses: list[ExpandedAddress]  # type: ignore[assignment]


def wants_market(query: Mapping[str, str]) -> bool:
    """Raises Problem for anything else that is to be expanded."""
    if query.get("expand", "market") != "market":
        raise wrong_parameter("expand", f"expand={shorten(query['expand'])} is not known: only expand=market is.")
    return "expand" in query


def expand_lookup(content: bytes) -> bytes:
    """The same Lookup in JSON, with the market's pools in its pools."""
    lookup = json.decode(content)
    expand((chain["chain_id"], pool) for chain in lookup["chains"] for pool in chain["pools"])
    return json.encode(lookup)


def expand_batch(content: bytes) -> bytes:
    """The same Batch in JSON, with the market's pools in its pools."""
    batch = json.decode(content)
    ids = {chain["chain"]: chain["chain_id"] for chain in batch["chains"]}
    expand(
        (ids[chain], pool)
        for address in batch["addresses"]
        for chain, pools in address["chains"].items()
        for pool in pools
    )
    return json.encode(batch)


def expand(found: Iterator[tuple[int, dict[str, Any]]]) -> None:
    """Give each pool, which comes with its chain id, its `market`: one statement for all."""
    pools = [((chain_id, pool["contract"].lower()), pool) for chain_id, pool in found]
    market = read_market({place for place, _ in pools})
    for place, pool in pools:
        pool["market"], more = market.get(place, ([], 0))
        if more > 0:
            pool["market_more"] = more


def read_market(places: set[tuple[int, str]]) -> dict[tuple[int, str], tuple[list[MarketPool], int]]:
    """By chain id and contract in lower case: the surest, and how many more there are (none where below 1)."""
    if not places:
        return {}
    values = [[chain_id for chain_id, _ in places], [address for _, address in places]]

    def read(connection: BaseDatabaseWrapper) -> list[tuple[Any, ...]]:
        return ask(connection, MARKET, values, binary=False)

    market: dict[tuple[int, str], tuple[list[MarketPool], int]] = {}
    for chain_id, address, more, *pool in read_from(read):
        market.setdefault((chain_id, address), ([], more))[0].append(MarketPool(*pool))
    return market
