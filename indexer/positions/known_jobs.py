"""What lookups know of a chain's jobs by heart, so that they need only ask for rows of logs.

Two fifths of a lookup's time in the database went into contracts and labels, which seldom change. A process keeps them
with the version that they are of, and every lookup reads the version of its own snapshot: where the two differ, what is
kept is read anew. The version is the transaction that last wrote the chain's `coverage`: whatever enables, disables,
retires or labels jobs writes that row in its own transaction (protocol.coverage.refresh_coverage).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple

import numpy as np
from msgspec import json

from indexer.chains.models import Chain
from indexer.positions.checksums import checksum_many
from indexer.positions.lookup import FoundPool, Label, sort_labels
from indexer.positions.protocol.arrays import number_array
from indexer.positions.protocol.state import COVERAGE, value_of
from indexer.positions.union import ask_each, schemas_of

VERSION = value_of(COVERAGE, "xmin::text")

# EXPLAIN, 20,000 jobs: jobs and job_labels, each read once as a whole.
READ = f"""
SELECT {{ordinal}}, state.version, state.coverage, jobs.ids, jobs.contracts, jobs.with_metadata,
       (SELECT json_agg(json_build_array(job_id, protocol, product))::text FROM {{schema}}.job_labels)
FROM (SELECT {VERSION} AS version, {value_of(COVERAGE, "value::text")} AS coverage FROM {{schema}}.settings) AS state
CROSS JOIN (
    SELECT string_agg(int4send(id), '' ORDER BY id) AS ids, string_agg(contract_address, '' ORDER BY id) AS contracts,
           array_agg(id ORDER BY id) FILTER (WHERE metadata_argument IS NOT NULL) AS with_metadata
    FROM {{schema}}.jobs WHERE enabled AND NOT retired
) AS jobs
"""

MOST_WITH_METADATA = 1000
"""Where more jobs store metadata, a lookup asks for that of every address it finds."""
PAUSE = 1.0
"""Seconds: the jobs of a chain are not read more often."""


class KnownJob(NamedTuple):
    """A job that answers show. `begins` is its pool in JSON up to the first block; None where its contract has several
    jobs or it stores metadata, so that there is more to say."""

    contract: bytes
    begins: bytes | None
    eip55: str
    labels: list[Label]
    has_metadata: bool


class KnownJobs(NamedTuple):
    """The jobs of a chain at a version of it; those that are hidden are missing. `with_metadata`
    are those that store any, as PostgreSQL writes an array; None where they are too many to be named."""

    version: str
    coverage: str
    jobs: Mapping[int, KnownJob]
    with_metadata: str | None
    read_at: float


class Memory:
    """The jobs of chains, by chain. Threads may share it: entries are replaced as a whole."""

    def __init__(self, pause: float = PAUSE) -> None:
        self.pause = pause
        self.by_chain: dict[int, KnownJobs] = {}

    def of(self, chains: Sequence[Chain]) -> list[KnownJobs]:
        """What is known of these chains, at whatever version; read where nothing is."""
        self.read([chain for chain in chains if chain.pk not in self.by_chain])
        return [self.by_chain[chain.pk] for chain in chains]

    def refresh(self, chains: Sequence[Chain]) -> bool:
        """Read them anew; False, and nothing read, if one of them was read just now: its jobs change all the time."""
        now = monotonic()
        if any(now - self.by_chain[chain.pk].read_at < self.pause for chain in chains):
            return False
        self.read(chains)
        return True

    def forget(self) -> None:
        """Read the jobs anew at the next lookup."""
        self.by_chain.clear()

    def read(self, chains: Sequence[Chain]) -> None:
        now = monotonic()
        rows = ask_each(READ, schemas_of(chains), {}, binary=True)
        for chain, row in zip(chains, rows, strict=True):
            self.by_chain[chain.pk] = read_jobs(*row, read_at=now)


def read_jobs(
    version: str,
    coverage: str,
    ids: bytes | None,
    contracts: bytes | None,
    with_metadata: list[int] | None,
    stored_labels: str | None,
    *,
    read_at: float,
) -> KnownJobs:
    labels: dict[int, list[tuple[str, str]]] = {}
    for job, protocol, product in json.decode(stored_labels or "[]", type=list[tuple[int, str, str]]):
        labels.setdefault(job, []).append((protocol, product))
    shown: dict[tuple[tuple[str, str], ...], tuple[list[Label], bytes]] = {}
    numbers = np.frombuffer(ids or b"", ">i4").tolist()
    columns = np.frombuffer(contracts or b"", np.uint8).reshape(-1, 20)
    times = Counter(map(bytes, columns))
    having = set(with_metadata or ())
    jobs = {}
    for job, eip55, column in zip(numbers, checksum_many(columns), columns, strict=True):
        key = tuple(labels.get(job, ()))
        if key not in shown:
            sorted_labels = sort_labels(key)
            shown[key] = sorted_labels, b'","labels":' + json.encode(sorted_labels) + b',"first_block":'
        of, encoded = shown[key]
        contract = bytes(column)
        plain = times[contract] == 1 and job not in having
        begins = b'{"contract":"' + eip55 + encoded if plain else None
        jobs[job] = KnownJob(contract, begins, eip55.decode(), of, job in having)
    return KnownJobs(
        version, coverage, jobs, number_array(sorted(having)) if len(having) <= MOST_WITH_METADATA else None, read_at
    )


def make_pool(job: KnownJob, first_block: int, metadata: dict[str, list[str]]) -> FoundPool:
    return FoundPool(job.eip55, job.labels, first_block, metadata)
