"""The lookup: which pools an address has touched, on every chain asked for, and how sure the answer is.

The classes here are the answer itself, field by field: the API encodes them as JSON, the command prints them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field, json, to_builtins
from msgspec.structs import asdict

from indexer.chains.models import Chain
from indexer.positions.address import checksum, checksum_once
from indexer.positions.protocol.coverage import TO_CHECK, Coverage
from indexer.positions.protocol.state import COVERAGE, CURSOR, FINAL, HEAD, LEVELS, value_of
from indexer.positions.union import ask_each, schemas_of
from indexer.rpc import Level

ADDRESSES = "/api/v1/addresses/"
"""Where the API serves lookups; links to further pages begin with it."""
PAGE = 1000
"""Contracts on one page of the whole list of what to check."""

# What a chain says of itself: the block its answer is true for, and what it knows of its own completeness. The smallest
# tables, read by index or as a whole.
AS_OF = "state.cursor, blocks.hash, blocks.timestamp, state.final"
STATE = f"{AS_OF}, state.head, state.coverage, state.levels"
STATE_TABLES = f"""(
    SELECT {value_of(CURSOR)} AS cursor, {value_of(FINAL)} AS final, {value_of(HEAD)} AS head,
           {value_of(COVERAGE, "value::text")} AS coverage, {value_of(LEVELS, "value::text")} AS levels
    FROM {{schema}}.settings
) AS state
LEFT JOIN {{schema}}.blocks ON blocks.number = state.cursor"""

# EXPLAIN, 100,000 rows of logs: index scans of logs (address), jobs (id), job_labels (job) and log_metadata (address,
# job). Metadata is asked for only where the job stores any.
LOOKUP = f"""
SELECT {{ordinal}}, {STATE}, pools.found::text
FROM {STATE_TABLES}
CROSS JOIN (
    SELECT json_agg(json_build_array(
        encode(contract_address, 'hex'),
        first_block,
        (SELECT json_agg(json_build_array(protocol, product)) FROM {{schema}}.job_labels WHERE job_id = jobs.id),
        CASE WHEN metadata_argument IS NOT NULL THEN (
            SELECT json_agg(json_build_array(key, value)) FROM {{schema}}.log_metadata AS metadata
            WHERE metadata.address = logs.address AND metadata.job_id = logs.job_id
        ) END
    )) AS found
    FROM {{schema}}.logs JOIN {{schema}}.jobs ON jobs.id = logs.job_id
    WHERE logs.address = %(address)s AND enabled AND NOT retired
) AS pools
"""

# The same with a page of what to check. EXPLAIN: an index scan of jobs_definition, which begins with the contract, from
# `after` until the page is full.
PAGED = f"""
SELECT answer.*, ARRAY(
    SELECT encode(contract_address, 'hex') FROM (
        SELECT DISTINCT contract_address FROM {{schema}}.jobs
        WHERE {TO_CHECK} AND contract_address > %(after)s ORDER BY contract_address LIMIT %(limit)s
    ) AS page
)
FROM ({LOOKUP}) AS answer
"""

# The numbers of the EVM have 78 digits at most; longer ones are text like any other.
NUMBER = re.compile(r"-?[0-9]{1,78}")


Eip55 = Annotated[str, Meta(description="EIP-55", extra_json_schema={"pattern": "^0x[0-9a-fA-F]{40}$"})]

LevelWord = Literal["claimed", "agreed", "bloom", "proved"]
"""A Level as answers write it."""
WORDS: dict[int, LevelWord] = {
    Level.CLAIMED: "claimed",
    Level.AGREED: "agreed",
    Level.BLOOM: "bloom",
    Level.PROVED: "proved",
}

# Answers hold no cycles, so Python's garbage collector need not look through them (gc=False).


class Label(Struct, frozen=True, order=True, gc=False):
    """Whose contract it is, by the watch lists."""

    protocol: Annotated[str, Meta(examples=["aave-v2"])]
    product: Annotated[str, Meta(examples=["a-token"])]


class FoundPool(Struct, gc=False):
    """A contract with which the address has had a position."""

    contract: Eip55
    labels: list[Label]
    first_block: Annotated[int, Meta(description="the block of the earliest known touch")]
    metadata: Annotated[dict[str, list[str]], Meta(description="key to values, such as tokenId to numbers")]


class CheckAlso(Struct):
    """Contracts that must be checked by hand, since not all their logs are read."""

    count: int
    contracts: Annotated[list[Eip55], Meta(description="the first of them, or the page that is asked for")]
    next: Annotated[str, Meta(description="where the list goes on; absent where it ends")] | UnsetType = UNSET


class AsOf(Struct):
    """The block an answer is true for."""

    block: int
    hash: Annotated[str, Meta(description="of the block, 32 bytes")]
    timestamp: Annotated[int, Meta(description="of the block, seconds since 1970")]
    final: Annotated[int, Meta(description="the newest block that the chain will not take back")]


class Verified(Struct, frozen=True):
    """What the blocks that an answer rests on were checked against."""

    weakest: Annotated[LevelWord, Meta(description="the weakest level at which any block was read")]
    usual: Annotated[LevelWord, Meta(description="the level at which most blocks were read")]


class ChainState(Struct):
    """What one chain says of itself; `check_also` is the same for every address."""

    chain: Annotated[str, Meta(examples=["ethereum"])]
    chain_id: Annotated[int, Meta(examples=[1])]
    from_: Annotated[int, Meta(description="the first block that the answer speaks of")] = field(name="from")
    as_of: Annotated[AsOf | None, Meta(description="null for a chain never indexed")]
    head: Annotated[int | None, Meta(description="the newest block that a node has shown")]
    complete: Annotated[bool, Meta(description="whether every enabled job has read all that it promises")]
    check_also: CheckAlso
    verified: Annotated[Verified | None, Meta(description="null where no block is read yet")]


class ChainAnswer(ChainState):
    """What one chain says of an address. `pools` and `check_also` together are never too small."""

    pools: Annotated[list[FoundPool], Meta(description="by first block, then contract")]


class Lookup(Struct):
    """What every chain says of an address, by chain id."""

    address: Eip55
    chains: list[ChainAnswer]


def look_up(
    address: bytes,
    chains: Sequence[Chain],
    *,
    after: bytes | None = None,
    page: int | None = PAGE,
    path: str = ADDRESSES,
) -> Lookup:
    """The pools of an address (20 bytes) on these chains by chain id: one statement, one snapshot.

    With `after` (b"" at first), `check_also` is a page of the whole list, the contracts behind that one, or all of them
    without `page`; links to the next page lead to `path`. All pages together are as safe as one answer: a job that
    leaves the list between two pages is complete by then or watched no more, and what a complete one has found is among
    the later page's pools.
    """
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    schemas = schemas_of(asked)
    if after is None:
        rows = [(*row, None) for row in ask_each(LOOKUP, schemas, {"address": address})]
    else:
        limit = None if page is None else page + 1
        rows = ask_each(PAGED, schemas, {"address": address, "after": after, "limit": limit})
    lookup = Lookup(checksum_once(address), [])
    for chain, (*state, found, contracts) in zip(asked, rows, strict=True):
        said = read_state(chain, path + lookup.address, *state, contracts=contracts, page=page)
        lookup.chains.append(ChainAnswer(**asdict(said), pools=read_pools(found)))
    return lookup


def lookup_answer(address: bytes, chains: Sequence[Chain], *, path: str = ADDRESSES) -> dict[str, Any]:
    """The API's answer as plain dictionaries and lists."""
    answer: dict[str, Any] = to_builtins(look_up(address, chains, path=path))
    return answer


def read_state(
    chain: Chain,
    path: str,
    cursor: int | None,
    block_hash: bytes | None,
    timestamp: int,
    final: int,
    head: int | None,
    stored_coverage: str,
    stored_levels: str,
    *,
    contracts: list[str] | None = None,
    page: int | None = PAGE,
) -> ChainState:
    """The columns of STATE as an answer shows them; `contracts` as PAGED gives them, links lead to `path`."""
    coverage = read_coverage(stored_coverage)
    as_of = read_as_of(cursor, block_hash, timestamp, final)
    return ChainState(
        chain=chain.slug,
        chain_id=chain.chain_id,
        from_=chain.floor,
        as_of=as_of,
        head=head,
        complete=coverage.complete and as_of is not None,
        check_also=name_contracts(coverage, contracts, page, f"{path}?check_also=all&chain={chain.slug}&after="),
        verified=None if as_of is None else read_verified(stored_levels),
    )


def read_as_of(cursor: int | None, block_hash: bytes | None, timestamp: int, final: int) -> AsOf | None:
    """The columns of AS_OF; None before the chain's first block."""
    if cursor is None or block_hash is None:
        return None
    return AsOf(cursor, f"0x{block_hash.hex()}", timestamp, final)


@lru_cache(maxsize=256)
def read_coverage(stored: str) -> Coverage:
    """The chain's coverage with its contracts in EIP-55; cached, since most lookups find it as the one before did."""
    coverage = Coverage(**json.decode(stored))
    return coverage._replace(check_also=[show(contract) for contract in coverage.check_also])


@lru_cache(maxsize=256)
def read_verified(stored: str) -> Verified | None:
    """The chain's blocks by level, as the weakest and the usual one; of equally many blocks the weaker. Cached, too."""
    read = sorted((Level.of(word), blocks) for word, blocks in json.decode(stored).items() if blocks > 0)
    if not read:
        return None
    usual, _ = max(read, key=lambda level: (level[1], -level[0]))
    return Verified(WORDS[read[0][0]], WORDS[usual])


def name_contracts(coverage: Coverage, contracts: list[str] | None, page: int | None, link: str) -> CheckAlso:
    """What to check by hand: the first contracts that the coverage names, or the page that was asked for."""
    if contracts is None:
        named, more = coverage.check_also, coverage.check_also_count > len(coverage.check_also)
    else:
        named, more = [show(contract) for contract in contracts[:page]], page is not None and len(contracts) > page
    return CheckAlso(coverage.check_also_count, named, link + named[-1] if more else UNSET)


def show(contract: str) -> str:
    """Hex without 0x, as the statement writes an address, in EIP-55."""
    return checksum(bytes.fromhex(contract))


class Found(Struct, array_like=True):
    """A job that has a row for the address, as the statement writes it."""

    contract: str
    first_block: int
    labels: list[tuple[str, str]] | None
    metadata: list[tuple[str, str]] | None


def read_pools(found: str | None) -> list[FoundPool]:
    """What the statement has found, as pools in their order."""
    jobs = json.decode(found, type=list[Found]) if found else []
    return order_pools(
        [
            FoundPool(
                show(job.contract), sort_labels(job.labels or ()), job.first_block, merge_metadata(job.metadata or ())
            )
            for job in jobs
        ]
    )


def sort_labels(labels: Iterable[tuple[str, str]]) -> list[Label]:
    return [Label(protocol, product) for protocol, product in sorted(set(labels))]


def order_pools(pools: list[FoundPool]) -> list[FoundPool]:
    """Pools by first block and contract, those of one contract as one: several jobs may watch it."""
    if len(pools) < 2:
        return pools
    if len({pool.contract for pool in pools}) < len(pools):
        by_contract: dict[str, FoundPool] = {}
        for pool in pools:
            same = by_contract.get(pool.contract)
            by_contract[pool.contract] = pool if same is None else merge(same, pool)
        pools = list(by_contract.values())
    return sorted(pools, key=lambda pool: (pool.first_block, pool.contract.lower()))


def merge(one: FoundPool, other: FoundPool) -> FoundPool:
    """The labels and metadata of both, and the earlier block."""
    pairs = [(key, value) for pool in (one, other) for key, values in pool.metadata.items() for value in values]
    return FoundPool(
        one.contract,
        sorted({*one.labels, *other.labels}),
        min(one.first_block, other.first_block),
        merge_metadata(pairs),
    )


def merge_metadata(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        values[key].add(value)
    return {key: sort_values(values[key]) for key in sorted(values)}


def sort_values(values: Iterable[str]) -> list[str]:
    """Numbers by size, if all are decimal numbers; otherwise as text."""
    texts = sorted(values)
    return sorted(texts, key=int) if all(map(NUMBER.fullmatch, texts)) else texts
