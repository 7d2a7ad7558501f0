"""The lookup: which pools an address has touched, on every chain asked for, and how sure the answer is.

The classes here are the answer itself, field by field: the API encodes them as JSON, the command prints them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field, json, to_builtins
from msgspec.structs import asdict

from indexer.chains.models import Chain
from indexer.positions.address import checksum, checksum_once
from indexer.positions.protocol.coverage import TO_CHECK, Coverage
from indexer.positions.protocol.state import COVERAGE, CURSOR, FINAL, HEAD
from indexer.positions.union import ask_each

ADDRESSES = "/api/v1/addresses/"
"""Where the API serves lookups; links to further pages begin with it."""
PAGE = 1000
"""Contracts on one page of the whole list of what to check."""

# What a chain says of itself: the block its answer is true for, and what it knows of its own completeness. The smallest
# tables, read by index or as a whole.
STATE = "state.cursor, state.final, state.head, state.coverage, blocks.hash, blocks.timestamp"
STATE_TABLES = f"""(
    SELECT max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{CURSOR}') AS cursor,
           max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{FINAL}') AS final,
           max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{HEAD}') AS head,
           max(value::text) FILTER (WHERE key = '{COVERAGE}') AS coverage
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


# Answers hold no cycles, so Python's garbage collector need not look through them (gc=False).


class Label(Struct, frozen=True, order=True, gc=False):
    protocol: str
    product: str


class Pool(Struct, gc=False):
    """A contract with which the address has had a position; `first_block` is the earliest known touch."""

    contract: str
    labels: list[Label]
    first_block: int
    metadata: dict[str, list[str]]


class CheckAlso(Struct):
    """`count` contracts that must be checked by hand, since not all their logs are read; `next` names the rest."""

    count: int
    contracts: list[str]
    next: str | UnsetType = UNSET


class AsOf(Struct):
    """The block an answer is true for; `timestamp` in seconds since 1970, `final` a block number."""

    block: int
    hash: str
    timestamp: int
    final: int


class ChainState(Struct):
    """What one chain says of itself; `check_also` is the same for every address."""

    chain: str
    chain_id: int
    from_: int = field(name="from")
    as_of: AsOf | None
    head: int | None
    complete: bool
    check_also: CheckAlso


class ChainAnswer(ChainState):
    """What one chain says of an address. `pools` and `check_also` together are never too small."""

    pools: list[Pool]


class Lookup(Struct):
    address: str
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
    schemas = tuple(str(chain.schema_name) for chain in asked)
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
    final: int,
    head: int | None,
    stored_coverage: str,
    block_hash: bytes | None,
    timestamp: int,
    *,
    contracts: list[str] | None = None,
    page: int | None = PAGE,
) -> ChainState:
    """The columns of STATE as an answer shows them; `contracts` as PAGED gives them, links lead to `path`."""
    coverage = read_coverage(stored_coverage)
    as_of = None
    if cursor is not None and block_hash is not None:
        as_of = AsOf(cursor, f"0x{block_hash.hex()}", timestamp, final)
    return ChainState(
        chain=chain.slug,
        chain_id=chain.chain_id,
        from_=chain.floor,
        as_of=as_of,
        head=head,
        complete=coverage.complete and as_of is not None,
        check_also=name_contracts(coverage, contracts, page, f"{path}?check_also=all&chain={chain.slug}&after="),
    )


@lru_cache(maxsize=256)
def read_coverage(stored: str) -> Coverage:
    """The chain's coverage with its contracts in EIP-55; cached, since most lookups find it as the one before did."""
    coverage = Coverage(**json.decode(stored))
    return coverage._replace(check_also=[show(contract) for contract in coverage.check_also])


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


def read_pools(found: str | None) -> list[Pool]:
    """What the statement has found, as pools in their order."""
    jobs = json.decode(found, type=list[Found]) if found else []
    return order_pools(
        [
            Pool(show(job.contract), sort_labels(job.labels or ()), job.first_block, merge_metadata(job.metadata or ()))
            for job in jobs
        ]
    )


def sort_labels(labels: Iterable[tuple[str, str]]) -> list[Label]:
    return [Label(protocol, product) for protocol, product in sorted(set(labels))]


def order_pools(pools: list[Pool]) -> list[Pool]:
    """Pools by first block and contract, those of one contract as one: several jobs may watch it."""
    if len(pools) < 2:
        return pools
    if len({pool.contract for pool in pools}) < len(pools):
        by_contract: dict[str, Pool] = {}
        for pool in pools:
            same = by_contract.get(pool.contract)
            by_contract[pool.contract] = pool if same is None else merge(same, pool)
        pools = list(by_contract.values())
    return sorted(pools, key=lambda pool: (pool.first_block, pool.contract.lower()))


def merge(one: Pool, other: Pool) -> Pool:
    """The labels and metadata of both, and the earlier block."""
    pairs = [(key, value) for pool in (one, other) for key, values in pool.metadata.items() for value in values]
    return Pool(
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
