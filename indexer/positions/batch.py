"""The lookup of many addresses: one statement over all chains; what is the same for all of them is said once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, json

from indexer.chains.models import Chain
from indexer.positions.address import checksum, checksum_once
from indexer.positions.lookup import (
    ADDRESSES,
    STATE,
    STATE_TABLES,
    ChainState,
    Label,
    Pool,
    merge_metadata,
    order_pools,
    read_state,
    sort_labels,
)
from indexer.positions.union import ask_each

# What LOOKUP asks for, by whole tables at a time instead of row by row: that takes a quarter less time. EXPLAIN: index
# scans of logs and log_metadata (address), jobs (id) and job_labels (job), each once for all keys.
LOOKUP_MANY = f"""(
WITH found AS MATERIALIZED (
    SELECT address, job_id, first_block FROM {{schema}}.logs WHERE address = ANY(%(addresses)b::bytea[])
), watched AS MATERIALIZED (
    SELECT id, contract_address, metadata_argument IS NOT NULL AS has_metadata FROM {{schema}}.jobs
    WHERE id = ANY(ARRAY(SELECT DISTINCT job_id FROM found)) AND enabled AND NOT retired
)
SELECT {{ordinal}}, {STATE}, touches.addresses, touches.jobs, touches.blocks, pools.jobs, pools.contracts,
       pools.with_metadata,
       (SELECT json_agg(json_build_array(job_id, protocol, product))::text
        FROM {{schema}}.job_labels WHERE job_id = ANY(pools.jobs)),
       (SELECT json_agg(json_build_array(encode(address, 'hex'), job_id, key, value))::text
        FROM {{schema}}.log_metadata
        WHERE address = ANY(ARRAY(
            SELECT address FROM found JOIN watched ON id = job_id WHERE has_metadata)))
FROM {STATE_TABLES}
CROSS JOIN (SELECT array_agg(address) AS addresses, array_agg(job_id) AS jobs, array_agg(first_block) AS blocks
            FROM found) AS touches
CROSS JOIN (SELECT array_agg(id) AS jobs, array_agg(contract_address) AS contracts,
                   array_agg(has_metadata) AS with_metadata
            FROM watched) AS pools
)"""
STATE_WIDTH = STATE.count(",") + 1

# Of any address: what is to be checked is the same for all, and the pages of the list belong to one.
ANY_ADDRESS = ADDRESSES + "{address}"


class AddressPools(Struct, gc=False):
    """An address's pools by chain; a chain on which it has none is left out."""

    address: str
    chains: dict[str, list[Pool]]


class Batch(Struct):
    """`chains` hold for every address: an address's pools there and its `check_also` are never too small.

    A link `next` has {address} where the address belongs that is looked up.
    """

    chains: list[ChainState]
    addresses: list[AddressPools]


class Touches(NamedTuple):
    """The rows of one chain, by column, as the statement gives them; None where there are none."""

    addresses: list[bytes] | None
    jobs: list[int] | None
    blocks: list[int] | None
    watched: list[int] | None
    contracts: list[bytes] | None
    with_metadata: list[bool] | None
    labels: str | None
    metadata: str | None


class Watched(NamedTuple):
    contract: str
    labels: list[Label]
    has_metadata: bool


def look_up_many(addresses: Sequence[bytes], chains: Sequence[Chain]) -> Batch:
    """The pools of addresses (20 bytes), each once in the order first given, on these chains by chain id.

    One statement, one snapshot.
    """
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    answers = {address: AddressPools(checksum_once(address), {}) for address in addresses}
    # Keys in the index's order are found faster.
    rows = ask_each(
        LOOKUP_MANY,
        tuple(str(chain.schema_name) for chain in asked),
        {"addresses": sorted(answers)},
        binary=True,
    )
    states = []
    for chain, row in zip(asked, rows, strict=True):
        states.append(read_state(chain, ANY_ADDRESS, *row[:STATE_WIDTH]))
        for address, pools in read_pools(Touches(*row[STATE_WIDTH:])).items():
            answers[address].chains[chain.slug] = pools
    return Batch(states, list(answers.values()))


def read_pools(touches: Touches) -> Mapping[bytes, list[Pool]]:
    """Pools by address, by first block and contract."""
    if not touches.addresses or not touches.jobs or not touches.blocks:
        return {}
    watched = read_watched(touches)
    metadata = read_metadata(touches.metadata) if touches.metadata else {}
    found: dict[bytes, list[Pool]] = defaultdict(list)
    for address, job, block in zip(touches.addresses, touches.jobs, touches.blocks, strict=True):
        of = watched.get(job)
        # Rows of jobs that are disabled or retired stay, unseen.
        if of is not None:
            values = metadata.get((address.hex(), job), {}) if of.has_metadata else {}
            found[address].append(Pool(of.contract, of.labels, block, values))
    return {address: order_pools(pools) for address, pools in found.items()}


def read_watched(touches: Touches) -> dict[int, Watched]:
    labels: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for job, protocol, product in json.decode(touches.labels or "[]", type=list[tuple[int, str, str]]):
        labels[job].append((protocol, product))
    jobs = zip(touches.watched or (), touches.contracts or (), touches.with_metadata or (), strict=True)
    return {
        job: Watched(checksum(contract), name_labels(tuple(labels[job])), has_metadata)
        for job, contract, has_metadata in jobs
    }


@lru_cache(maxsize=4096)
def name_labels(labels: tuple[tuple[str, str], ...]) -> list[Label]:
    """Remembered, since most jobs have the labels of many others."""
    return sort_labels(labels)


def read_metadata(stored: str) -> dict[tuple[str, int], dict[str, list[str]]]:
    """Key to values, by address (hex without 0x) and job."""
    pairs: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for address, job, key, value in json.decode(stored, type=list[tuple[str, int, str, str]]):
        pairs[address, job].append((key, value))
    return {of: merge_metadata(same) for of, same in pairs.items()}
