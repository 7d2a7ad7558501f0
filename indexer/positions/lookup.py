"""The lookup: which pools an address has touched, on every chain asked for, and how sure the answer is.

The classes here are the answer itself, field by field: the API encodes them as JSON, the command prints them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field, json, to_builtins

from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.protocol.coverage import TO_CHECK, Coverage
from indexer.positions.protocol.state import COVERAGE, CURSOR, FINAL, HEAD
from indexer.positions.union import ask_each

ADDRESSES = "/api/v1/addresses/"
"""Where the API serves lookups; links to further pages begin with it."""
PAGE = 1000
"""Contracts on one page of the whole list of what to check."""

# EXPLAIN, 100,000 rows of logs: index scans of logs (address), jobs (id), job_labels (job) and log_metadata (address,
# job); settings and blocks, the smallest tables, by index or as a whole. Metadata is asked for only where the job
# stores any.
LOOKUP = f"""
SELECT {{ordinal}}, state.cursor, state.final, state.head, state.coverage, blocks.hash, blocks.timestamp,
       pools.found::text
FROM (
    SELECT max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{CURSOR}') AS cursor,
           max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{FINAL}') AS final,
           max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{HEAD}') AS head,
           max(value::text) FILTER (WHERE key = '{COVERAGE}') AS coverage
    FROM {{schema}}.settings
) AS state
LEFT JOIN {{schema}}.blocks ON blocks.number = state.cursor
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


class Label(Struct, frozen=True, order=True):
    protocol: str
    product: str


class Pool(Struct):
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


class ChainAnswer(Struct):
    """What one chain says. `pools` and `check_also` together are never too small."""

    chain: str
    chain_id: int
    from_: int = field(name="from")
    as_of: AsOf | None
    head: int | None
    complete: bool
    check_also: CheckAlso
    pools: list[Pool]


class Lookup(Struct):
    address: str
    chains: list[ChainAnswer]


def look_up(address: bytes, chains: Sequence[Chain], *, after: bytes | None = None, path: str = ADDRESSES) -> Lookup:
    """The pools of an address (20 bytes) on these chains by chain id: one statement, one snapshot.

    With `after` (b"" at first), `check_also` is a page of the whole list, the contracts behind that one; links to the
    next page lead to `path`. All pages together are as safe as one answer: a job that leaves the list between two pages
    is complete by then or watched no more, and what a complete one has found is among the later page's pools.
    """
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    parameters = {"address": address} if after is None else {"address": address, "after": after, "limit": PAGE + 1}
    rows = ask_each(LOOKUP if after is None else PAGED, tuple(str(chain.schema_name) for chain in asked), parameters)
    lookup = Lookup(checksum(address), [])
    for chain, row in zip(asked, rows, strict=True):
        link = f"{path}{lookup.address}?check_also=all&chain={chain.slug}&after="
        lookup.chains.append(read_chain(chain, link, *row))
    return lookup


def lookup_answer(address: bytes, chains: Sequence[Chain], *, path: str = ADDRESSES) -> dict[str, Any]:
    """The API's answer as plain dictionaries and lists."""
    answer: dict[str, Any] = to_builtins(look_up(address, chains, path=path))
    return answer


def read_chain(
    chain: Chain,
    link: str,
    cursor: int | None,
    final: int,
    head: int | None,
    stored_coverage: str,
    block_hash: bytes | None,
    timestamp: int,
    found: str | None,
    page: list[str] | None = None,
) -> ChainAnswer:
    coverage = read_coverage(stored_coverage)
    as_of = None
    if cursor is not None and block_hash is not None:
        as_of = AsOf(cursor, f"0x{block_hash.hex()}", timestamp, final)
    return ChainAnswer(
        chain=chain.slug,
        chain_id=chain.chain_id,
        from_=chain.floor,
        as_of=as_of,
        head=head,
        complete=coverage.complete and as_of is not None,
        check_also=name_contracts(coverage, page, link),
        pools=merge_jobs(json.decode(found, type=list[Found])) if found else [],
    )


@lru_cache(maxsize=256)
def read_coverage(stored: str) -> Coverage:
    """The chain's coverage with its contracts in EIP-55; cached, since most lookups find it as the one before did."""
    coverage = Coverage(**json.decode(stored))
    return coverage._replace(check_also=[show(contract) for contract in coverage.check_also])


def name_contracts(coverage: Coverage, page: list[str] | None, link: str) -> CheckAlso:
    """What to check by hand: the first contracts that the coverage names, or the page that was asked for."""
    if page is None:
        contracts, more = coverage.check_also, coverage.check_also_count > len(coverage.check_also)
    else:
        contracts, more = [show(contract) for contract in page[:PAGE]], len(page) > PAGE
    return CheckAlso(coverage.check_also_count, contracts, link + contracts[-1] if more else UNSET)


def show(contract: str) -> str:
    """Hex without 0x, as the statement writes an address, in EIP-55."""
    return checksum(bytes.fromhex(contract))


class Found(Struct, array_like=True):
    """A job that has a row for the address, as the statement writes it."""

    contract: str
    first_block: int
    labels: list[tuple[str, str]] | None
    metadata: list[tuple[str, str]] | None


def merge_jobs(jobs: Iterable[Found]) -> list[Pool]:
    """Several jobs may watch one contract: a pool has the labels and metadata of all, and the earliest block."""
    by_contract: dict[str, list[Found]] = defaultdict(list)
    for job in jobs:
        by_contract[job.contract].append(job)
    pools = [
        Pool(
            show(contract),
            sorted({Label(protocol, product) for job in same for protocol, product in job.labels or ()}),
            min(job.first_block for job in same),
            merge_metadata(pair for job in same for pair in job.metadata or ()),
        )
        for contract, same in by_contract.items()
    ]
    return sorted(pools, key=lambda pool: (pool.first_block, pool.contract.lower()))


def merge_metadata(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        values[key].add(value)
    return {key: sort_values(values[key]) for key in sorted(values)}


def sort_values(values: Iterable[str]) -> list[str]:
    """Numbers by size, if all are decimal numbers; otherwise as text."""
    texts = sorted(values)
    return sorted(texts, key=int) if all(map(NUMBER.fullmatch, texts)) else texts
