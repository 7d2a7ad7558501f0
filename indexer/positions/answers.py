"""Lookups as the API answers them, in JSON: the fast way. `lookup.look_up` and `batch.look_up_many` are the plain one.

The statement asks only for what differs between addresses, the rows of logs, as three columns of bytes; contracts and
labels are known by heart (known_jobs), and so is each chain's state in JSON. An answer is put together from pieces of
JSON that are ready but for numbers. What has more to say than a number, a contract of several jobs or one with
metadata, goes through the classes of `lookup`.

An answer is one statement of one snapshot. Where that snapshot is of another version than what is known, nothing of it
is used: the jobs are read anew and the question is put again; where they change all the time, it is put the plain way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from msgspec import json
from numpy.typing import NDArray

from indexer.chains.models import Chain
from indexer.positions.address import checksum_once
from indexer.positions.batch import ANY_ADDRESS, look_up_many, read_metadata
from indexer.positions.checksums import checksum_many
from indexer.positions.known_jobs import VERSION, KnownJobs, Memory, make_pool
from indexer.positions.lookup import ADDRESSES, FoundPool, look_up, order_pools, read_state
from indexer.positions.protocol.state import CURSOR, FINAL, HEAD, LEVELS, value_of
from indexer.positions.union import ask_each, schemas_of

# The rows of addresses, and what the chain says of itself. EXPLAIN: an index scan of logs_pkey, for many addresses in
# its order. For one address it is an equation: for an array of one PostgreSQL would plan anew every time, which takes
# four times as long as the answer.
TOUCHES = f"""
FROM (
    SELECT {VERSION} AS version, {value_of(CURSOR)} AS cursor, {value_of(FINAL)} AS final, {value_of(HEAD)} AS head,
           {value_of(LEVELS, "value::text")} AS levels
    FROM {{schema}}.settings
) AS state
LEFT JOIN {{schema}}.blocks ON blocks.number = state.cursor
CROSS JOIN (SELECT string_agg(address, '') AS addresses, string_agg(int4send(job_id), '') AS jobs,
                   string_agg(int8send(first_block), '') AS blocks"""
COLUMNS = """{ordinal}, state.version, state.cursor, blocks.hash, blocks.timestamp, state.final, state.head,
       state.levels, touches.addresses, touches.jobs, touches.blocks"""
TOUCHES_OF_ONE = f"""
SELECT {COLUMNS}, NULL{TOUCHES} FROM {{schema}}.logs WHERE address = %(address)s) AS touches
"""

# With an index scan of log_metadata (address) for addresses that have a row of a job with metadata. The parameters
# `keep…` name those jobs, for one chain each, as an array; NULL stands for any.
TOUCHES_OF_MANY = f"""(
WITH found AS MATERIALIZED (
    SELECT address, job_id, first_block FROM {{schema}}.logs WHERE address = ANY(%(addresses)b::bytea[])
)
SELECT {COLUMNS},
       (SELECT json_agg(json_build_array(encode(address, 'hex'), job_id, key, value))::text
        FROM {{schema}}.log_metadata
        WHERE address = ANY(ARRAY(
            SELECT DISTINCT address FROM found
            WHERE %(keep{{ordinal}})s::int[] IS NULL OR job_id = ANY(%(keep{{ordinal}})s::int[])))){TOUCHES}
            FROM found) AS touches
)"""

ATTEMPTS = 3
FEW = 64
"""Fewer addresses than these are written in EIP-55 faster one by one."""
NO_METADATA = b',"metadata":{}}'

memory = Memory()


class Touches(NamedTuple):
    """One chain's row, as TOUCHES_OF_ONE and TOUCHES_OF_MANY give it; without touches their columns are None."""

    version: str
    cursor: int | None
    block_hash: bytes | None
    timestamp: int | None
    final: int | None
    head: int | None
    levels: str
    addresses: bytes | None
    jobs: bytes | None
    blocks: bytes | None
    metadata: str | None


class Said(NamedTuple):
    """What a chain says: its state, and the pools of those addresses that have any, in JSON by address."""

    chain: Chain
    state: bytes
    pools: dict[bytes, bytes]
    has_metadata: bool


def answer_one(address: bytes, chains: Sequence[Chain]) -> bytes:
    """`lookup.look_up` in JSON."""
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    said = ask(TOUCHES_OF_ONE, {"address": address}, asked)
    # Few addresses have metadata; asking for it took as long as asking for the rows.
    if said is None or any(of.has_metadata for of in said):
        return json.encode(look_up(address, asked))
    name = checksum_once(address).encode()
    link = b"%b{address}" % ADDRESSES.encode()
    parts = [
        b'%b,"pools":[%b]}' % (of.state[:-1].replace(link, ADDRESSES.encode() + name), of.pools.get(address, b""))
        for of in said
    ]
    return b'{"address":"%b","chains":[%b]}' % (name, b",".join(parts))


def answer_many(addresses: Sequence[bytes], chains: Sequence[Chain]) -> bytes:
    """`batch.look_up_many` in JSON."""
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    once = list(dict.fromkeys(addresses))
    # Keys in the index's order are found faster.
    said = ask(TOUCHES_OF_MANY, {"addresses": sorted(once)}, asked)
    if said is None:
        return json.encode(look_up_many(once, asked))
    chains_of: dict[bytes, list[bytes]] = {address: [] for address in once}
    for of in said:
        begins = b'"%b":[' % of.chain.slug.encode()
        for address, pools in of.pools.items():
            chains_of[address].append(b"%b%b]" % (begins, pools))
    parts = [
        b'{"address":"%b","chains":{%b}}' % (name, b",".join(found))
        for name, found in zip(name_all(once), chains_of.values(), strict=True)
    ]
    return b'{"chains":[%b],"addresses":[%b]}' % (b",".join(of.state for of in said), b",".join(parts))


def name_all(addresses: Sequence[bytes]) -> list[bytes]:
    if len(addresses) < FEW:
        return [checksum_once(address).encode() for address in addresses]
    return checksum_many(np.frombuffer(b"".join(addresses), np.uint8).reshape(-1, 20))


def ask(statement: str, asked: dict[str, Any], chains: Sequence[Chain]) -> list[Said] | None:
    """What each chain says of the addresses asked for; None where its jobs change faster than they can be known."""
    schemas = schemas_of(chains)
    if not schemas:
        return []
    for _ in range(ATTEMPTS):
        known = memory.of(chains)
        keep = {f"keep{ordinal}": of.with_metadata for ordinal, of in enumerate(known)}
        rows = [Touches(*row) for row in ask_each(statement, schemas, asked | keep, binary=True)]
        changed = [chain for chain, of, row in zip(chains, known, rows, strict=True) if of.version != row.version]
        if not changed:
            return [
                Said(chain, show_state(chain, of, row), *read_pools(of, row))
                for chain, of, row in zip(chains, known, rows, strict=True)
            ]
        if not memory.refresh(changed):
            return None
    return None


def show_state(chain: Chain, known: KnownJobs, row: Touches) -> bytes:
    return encode_state(
        chain.slug,
        chain.chain_id,
        chain.floor,
        known.coverage,
        row.cursor,
        row.block_hash,
        row.timestamp,
        row.final,
        row.head,
        row.levels,
    )


@lru_cache(maxsize=256)
def encode_state(
    slug: str,
    chain_id: int,
    floor: int,
    coverage: str,
    cursor: int | None,
    block_hash: bytes | None,
    timestamp: int,
    final: int,
    head: int | None,
    levels: str,
) -> bytes:
    """A ChainState in JSON, remembered: most lookups find it as the one before did."""
    chain = Chain(slug=slug, chain_id=chain_id, floor=floor)
    return json.encode(read_state(chain, ANY_ADDRESS, cursor, block_hash, timestamp, final, head, coverage, levels))


def read_pools(known: KnownJobs, row: Touches) -> tuple[dict[bytes, bytes], bool]:
    """The pools of each address in JSON, by first block and contract; and whether a job of one stores metadata."""
    if row.addresses is None:
        return {}, False
    addresses = split(row.addresses)
    jobs = np.frombuffer(row.jobs or b"", ">i4").tolist()
    blocks = np.frombuffer(row.blocks or b"", ">i8").tolist()
    metadata = read_metadata(row.metadata) if row.metadata else {}
    found: dict[bytes, list[tuple[int, bytes, bytes]]] = {}
    special: dict[bytes, list[FoundPool]] = {}
    has_metadata = False
    known_jobs = known.jobs
    for address, number, block in zip(addresses, jobs, blocks, strict=True):
        job = known_jobs.get(number)
        # Rows of jobs that are disabled or retired stay, unseen.
        if job is None:
            continue
        if job.begins is not None:
            piece = b"%b%d%b" % (job.begins, block, NO_METADATA)
            found.setdefault(address, []).append((block, job.contract, piece))
        else:
            has_metadata = has_metadata or job.has_metadata
            values = metadata.get((address.hex(), number), {}) if job.has_metadata else {}
            special.setdefault(address, []).append(make_pool(job, block, values))
    for address, pools in special.items():
        # A contract of several jobs is only here, so that the others cannot have it.
        pieces = [
            (pool.first_block, bytes.fromhex(pool.contract[2:]), json.encode(pool)) for pool in order_pools(pools)
        ]
        found.setdefault(address, []).extend(pieces)
    return {address: join(pieces) for address, pieces in found.items()}, has_metadata


def split(addresses: bytes) -> list[bytes]:
    column: NDArray[np.void] = np.frombuffer(addresses, "V20")
    whole: list[bytes] = column.tolist()
    return whole


def join(pieces: list[tuple[int, bytes, bytes]]) -> bytes:
    if len(pieces) > 1:
        pieces.sort()
    return b",".join([piece for _, _, piece in pieces])
