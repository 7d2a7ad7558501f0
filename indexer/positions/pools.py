"""Pools: the watched contracts of all chains, and which addresses have had a position with one."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec import Meta, Struct, json
from msgspec.structs import asdict
from psycopg import sql

from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.jobs import STORED, Job, decode_jobs
from indexer.positions.lookup import AS_OF, STATE_TABLES, AsOf, Eip55, Label, read_as_of
from indexer.positions.union import ask_each, read_from, schemas_of

# EXPLAIN: an index scan of jobs_definition, which begins with the contract, from `after` until the page is full.
KEYS = """
SELECT {{ordinal}}, ARRAY(
    SELECT encode(contract_address, 'hex') FROM (
        SELECT DISTINCT contract_address FROM {{schema}}.jobs
        WHERE NOT retired AND contract_address > (%(after)s::bytea[])[{{ordinal}} + 1] {conditions}
        ORDER BY contract_address LIMIT %(limit)s
    ) AS page
)
"""
OF_CONTRACT = "AND contract_address = %(contract)s"
OF_LABEL = "AND EXISTS (SELECT FROM {{schema}}.job_labels WHERE job_id = jobs.id AND {conditions})"

POOLS = """
SELECT {ordinal}, (
    SELECT json_agg(json_build_object(
        'contract', encode(contract_address, 'hex'), 'enabled', enabled, 'floor', floor, 'complete', complete,
        'unreadable', unreadable, 'labels', (
            SELECT coalesce(json_agg(DISTINCT jsonb_build_object('protocol', protocol, 'product', product)), '[]')
            FROM {schema}.job_labels WHERE job_id = ANY(ids)))
        ORDER BY contract_address)::text
    FROM (
        SELECT contract_address, bool_or(enabled) AS enabled, min(floor) AS floor, array_agg(id) AS ids,
               coalesce(bool_and(complete) FILTER (WHERE enabled), false) AS complete, sum(unreadable) AS unreadable
        FROM {schema}.jobs WHERE NOT retired AND contract_address = ANY(%(contracts)s) GROUP BY contract_address
    ) AS pools
)
"""

POOL = f"""
SELECT {{ordinal}}, {AS_OF}, (
    SELECT json_agg({STORED} ORDER BY jobs.id)::text FROM {{schema}}.jobs
    WHERE NOT retired AND contract_address = %(contract)s
)
FROM {STATE_TABLES}
"""

# The jobs stand in the text as numbers, since the plan depends on how many rows theirs are: of a small pool the rows
# are fetched by logs_of_job and sorted, of a big one the primary key is followed from `after` until the page is full.
ADDRESSES = f"""
SELECT {AS_OF}, (
    SELECT json_agg(json_build_array(id, enabled, complete, unreadable))::text FROM {{schema}}.jobs
    WHERE NOT retired AND contract_address = %(contract)s
), (
    SELECT json_agg(json_build_array(encode(address, 'hex'), first_block) ORDER BY address)::text FROM (
        SELECT address, min(first_block) AS first_block FROM {{schema}}.logs
        WHERE job_id = ANY(%(jobs)s::int[]) AND address > %(after)s GROUP BY address ORDER BY address LIMIT %(limit)s
    ) AS page
)
FROM {STATE_TABLES}
"""


class Pool(Struct):
    """A contract that is watched on a chain, by one job or more."""

    chain: Annotated[str, Meta(examples=["ethereum"])]
    chain_id: Annotated[int, Meta(examples=[1])]
    contract: Eip55
    labels: list[Label]
    enabled: Annotated[bool, Meta(description="whether any job of it is watched; otherwise lookups do not name it")]
    floor: Annotated[int, Meta(description="nothing earlier is promised")]
    complete: Annotated[bool, Meta(description="whether all its enabled jobs have read all that they promise")]
    unreadable: Annotated[int, Meta(description="logs that do not fit their job")]


class PoolDetail(Pool):
    """The same with its jobs, true for the block `as_of`; null for a chain never indexed."""

    as_of: AsOf | None
    jobs: list[Job]


class PoolAddress(Struct):
    """`first_block` is the earliest known touch."""

    address: Eip55
    first_block: int


class PoolAddresses(NamedTuple):
    """A page of addresses, and how sure it is. `more`: there are addresses behind it."""

    as_of: AsOf | None
    complete: bool
    unreadable: int
    addresses: list[PoolAddress]
    more: bool


class PoolKey(NamedTuple):
    """Pools are sorted by it; `contract` is b"" before the first of a chain."""

    chain_id: int
    contract: bytes


class Filters(NamedTuple):
    """What pools are asked for; None asks for all."""

    contract: bytes | None = None
    protocol: str | None = None
    product: str | None = None


class Summary(Struct):
    """A pool as POOLS writes it."""

    contract: str
    enabled: bool
    floor: int
    complete: bool
    unreadable: int
    labels: list[Label]


class PoolPage(NamedTuple):
    """`last` is where the next page begins; None when this is the last one."""

    pools: list[Pool]
    last: PoolKey | None


def list_pools(chains: Sequence[Chain], filters: Filters, after: PoolKey, limit: int) -> PoolPage:
    """The first pools behind `after`, in two statements whatever the number of chains."""
    asked = sorted((chain for chain in chains if chain.chain_id >= after.chain_id), key=lambda chain: chain.chain_id)
    begins = [after.contract if chain.chain_id == after.chain_id else b"" for chain in asked]
    named = {name: value for name, value in filters._asdict().items() if value is not None}
    parameters = {"after": begins, "limit": limit + 1, **named}
    rows = ask_each(keys_of(filters), schemas_of(asked), parameters)
    keys = [(chain, contract) for chain, (contracts,) in zip(asked, rows, strict=True) for contract in contracts]
    page = keys[:limit]
    last = PoolKey(page[-1][0].chain_id, bytes.fromhex(page[-1][1])) if len(keys) > limit else None
    return PoolPage(read_pools(page), last)


def keys_of(filters: Filters) -> str:
    """KEYS with the conditions that these filters need."""
    labels = [f"{name} = %({name})s" for name in ("protocol", "product") if getattr(filters, name) is not None]
    conditions = [OF_CONTRACT] if filters.contract is not None else []
    if labels:
        conditions.append(OF_LABEL.format(conditions=" AND ".join(labels)))
    return KEYS.format(conditions=" ".join(conditions))


def read_pools(keys: Sequence[tuple[Chain, str]]) -> list[Pool]:
    """The pools of these chains and contracts (hex), in their order; one that is gone meanwhile is left out."""
    chains = list({chain.chain_id: chain for chain, _ in keys}.values())
    contracts = sorted({bytes.fromhex(contract) for _, contract in keys})
    rows = ask_each(POOLS, schemas_of(chains), {"contracts": contracts})
    found = {
        (chain.chain_id, pool.contract): pool
        for chain, (pools,) in zip(chains, rows, strict=True)
        for pool in json.decode(pools or "[]", type=list[Summary])
    }
    pools = []
    for chain, contract in keys:
        summary = found.get((chain.chain_id, contract))
        if summary is not None:
            stored = asdict(summary) | {"contract": checksum(bytes.fromhex(contract))}
            pools.append(Pool(chain=chain.slug, chain_id=chain.chain_id, **stored))
    return pools


def read_pool(chain: Chain, contract: bytes) -> PoolDetail | None:
    """One statement, one snapshot; None for a contract that is not watched."""
    [(*as_of, found)] = ask_each(POOL, schemas_of([chain]), {"contract": contract})
    jobs = decode_jobs(found)
    if not jobs:
        return None
    enabled = [job for job in jobs if job.state != "disabled"]
    return PoolDetail(
        chain=chain.slug,
        chain_id=chain.chain_id,
        contract=checksum(contract),
        labels=sorted({Label(label.protocol, label.product) for job in jobs for label in job.labels}),
        enabled=bool(enabled),
        floor=min(job.floor for job in jobs),
        complete=bool(enabled) and all(job.complete for job in enabled),
        unreadable=sum(job.unreadable for job in jobs),
        as_of=read_as_of(*as_of),
        jobs=jobs,
    )


def list_addresses(chain: Chain, contract: bytes, after: bytes, limit: int) -> PoolAddresses | None:
    """The first addresses behind `after` that enabled jobs of the contract have found; None if it is not watched.

    The statement that reads them must know the jobs beforehand. It reads the jobs, too, so that all it says is of one
    snapshot; where they have changed meanwhile it is asked again.
    """
    jobs: list[int] = []
    while True:
        *as_of, found, page = ask_addresses(chain, contract, jobs, after, limit + 1)
        known = json.decode(found or "[]", type=list[tuple[int, bool, bool, int]])
        if not known:
            return None
        enabled = sorted(job for job, is_enabled, _, _ in known if is_enabled)
        if enabled == jobs:
            break
        jobs = enabled
    addresses = json.decode(page or "[]", type=list[tuple[str, int]])
    stated = read_as_of(*as_of)
    return PoolAddresses(
        as_of=stated,
        complete=bool(jobs) and stated is not None and all(complete for _, enabled, complete, _ in known if enabled),
        unreadable=sum(unreadable for _, _, _, unreadable in known),
        addresses=[PoolAddress(checksum(bytes.fromhex(address)), block) for address, block in addresses[:limit]],
        more=len(addresses) > limit,
    )


def ask_addresses(chain: Chain, contract: bytes, jobs: list[int], after: bytes, limit: int) -> tuple[Any, ...]:
    """ADDRESSES by a cursor of Django's own, which writes parameters into the text, as the plan needs them."""
    statement = sql.SQL(ADDRESSES).format(schema=sql.Identifier(str(chain.schema_name))).as_string(None)

    def read(connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"contract": contract, "jobs": jobs, "after": after, "limit": limit})
            row: tuple[Any, ...] = cursor.fetchone()
        return row

    return read_from(read)
