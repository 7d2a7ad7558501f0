"""The proof of an answer: whether an address has touched a contract, and the blocks which that rests on.

The classes here are the answer itself, field by field: the API encodes them as JSON, the command prints them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct, field, json

from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.definition import Definition
from indexer.positions.digest import spell_digest
from indexer.positions.evidence import Claim, Read, find_missing, read_evidence
from indexer.positions.first_touch import FirstTouch, Wanted
from indexer.positions.jobs import COVERED, STORED, BlockRange, Event, Stored
from indexer.positions.lookup import AS_OF, STATE_TABLES, WORDS, AsOf, Eip55, LevelWord, read_as_of
from indexer.positions.protocol.state import REWIND
from indexer.positions.readings import RUN, UNSETTLED, read_runs, read_unsettled
from indexer.positions.spans import Span, unite
from indexer.positions.union import ask_each, schemas_of
from indexer.rpc import Level

# EXPLAIN, 20,000 jobs and 100,000 readings: an index scan of jobs_definition, which begins with the contract; for each
# job the primary keys of logs and unreadable_logs, and scan_jobs by job. Of readings those of the latest loop and of
# each scan by readings_in_order; scans that some job has left are found by reading `scans`, a row for each import.
PROOF = f"""(
WITH of_contract AS MATERIALIZED (
    SELECT * FROM {{schema}}.jobs WHERE NOT retired AND contract_address = %(contract)s
), asked AS (
    SELECT scan_id FROM {{schema}}.scan_jobs WHERE job_id IN (SELECT id FROM of_contract)
    UNION SELECT id FROM {{schema}}.scans WHERE "left"
)
SELECT {{ordinal}}, {AS_OF}, (
    SELECT json_agg(json_build_object(
        'job', {STORED}, 'covered', {COVERED},
        'needs', (SELECT json_agg(json_build_array(scan_id, lower(piece), upper(piece) - 1))
                  FROM {{schema}}.scan_jobs, unnest(need) AS piece WHERE job_id = jobs.id),
        'first_block', (SELECT first_block FROM {{schema}}.logs WHERE address = %(address)s AND job_id = jobs.id),
        'unreadable_from', (SELECT min(block_number) FROM {{schema}}.unreadable_logs WHERE job_id = jobs.id)
    ) ORDER BY jobs.id)::text FROM of_contract AS jobs
), (
    SELECT json_agg({RUN})::text FROM (
        SELECT * FROM {{schema}}.readings WHERE scan_id IS NULL
        UNION ALL SELECT readings.* FROM asked JOIN {{schema}}.readings USING (scan_id)
    ) AS readings
), {UNSETTLED}, ARRAY(SELECT id FROM {{schema}}.scans WHERE "left"),
    (SELECT (value ->> 'count')::bigint FROM {{schema}}.settings WHERE key = '{REWIND}')
FROM {STATE_TABLES}
)"""


class ProofRange(BlockRange):
    """Covered blocks, and how they were read. `log_count` and `digest` are of all jobs that were read together."""

    level: Annotated[LevelWord, Meta(description="what their logs were checked against")]
    endpoints: Annotated[list[str], Meta(description="labels of those whose answers it rests on; empty: not kept")]
    log_count: Annotated[int | None, Meta(description="null: not known for exactly these blocks")]
    digest: Annotated[str | None, Meta(description="16 bytes over the logs in whatever order; null as log_count is")]
    read_at: Annotated[datetime | None, Meta(description="of the last of them; null: above final, or not kept")]


class ProofJob(Struct):
    """An event of the contract that is watched: what is read of it, from its floor on."""

    job: int
    event: Event
    enabled: Annotated[bool, Meta(description="a disabled one is not read any more, and lookups do not name it")]
    floor: Annotated[int, Meta(description="nothing earlier is promised")]
    unreadable: Annotated[int, Meta(description="logs that do not fit the definition, so nobody knows whom they name")]
    ranges: list[ProofRange]


class Touched(Struct, tag_field="kind", tag="touched"):
    """The address has touched the contract; `transaction` and `log_index` are asked of an endpoint now."""

    first_block: Annotated[int, Meta(description="the block of the earliest known touch")]
    exact: Annotated[bool, Meta(description="whether no earlier block from the floor on is unread or unreadable")]
    transaction: Annotated[str | None, Meta(description="its hash, 32 bytes; null: see why")]
    log_index: Annotated[int | None, Meta(description="of the log in its block; null: see why")]
    level: Annotated[LevelWord | None, Meta(description="what the block was checked against now; null: see why")]
    endpoints: Annotated[list[str], Meta(description="labels of those asked for it now")]
    why: Annotated[str | None, Meta(description="why the transaction is not named")]


class NeverTouched(Struct, tag_field="kind", tag="never_touched"):
    """A proven negative: every log of every job of the contract is read and readable, and none names the address."""

    from_: Annotated[int, Meta(description="the highest floor of the jobs")] = field(name="from")
    up_to: Annotated[int, Meta(description="the block of as_of")]


class Missing(Struct):
    """Blocks that are not read, both ends included."""

    from_: int = field(name="from")
    to: Annotated[int | None, Meta(description="null: the chain has not come so far, or was never indexed")]


class NotKnown(Struct, tag_field="kind", tag="not_known"):
    """No touch is known, and none can be excluded."""

    missing: Annotated[list[Missing], Meta(description="blocks that some enabled job has not read")]
    unreadable: Annotated[int, Meta(description="logs of which nobody knows whom they name")]
    disabled: Annotated[int, Meta(description="jobs of the contract that are not read any more")]


Verdict = Touched | NeverTouched | NotKnown


class Proof(Struct):
    """Whether an address has touched a contract of a chain, and what that rests on."""

    address: Eip55
    chain: Annotated[str, Meta(examples=["ethereum"])]
    chain_id: Annotated[int, Meta(examples=[1])]
    contract: Eip55
    as_of: Annotated[AsOf | None, Meta(description="null for a chain never indexed")]
    verdict: Verdict
    weakest: Annotated[LevelWord | None, Meta(description="of the ranges of enabled jobs; null where there are none")]
    jobs: list[ProofJob]


class StoredProof(Struct):
    """A job as PROOF writes it; `needs` are (scan, first, last)."""

    job: Stored
    covered: list[Span]
    needs: list[tuple[int, int, int]] | None
    first_block: int | None
    unreadable_from: int | None

    @property
    def enabled(self) -> bool:
        return self.job.state != "disabled"

    @property
    def definition(self) -> Definition:
        job = self.job
        event = (job.user_topic, job.abi, job.user, job.metadata, job.transform)
        return Definition(bytes.fromhex(job.contract), bytes.fromhex(job.topic0), *event)

    @property
    def claim(self) -> Claim:
        """From the floor on: nothing earlier is promised."""
        floor = self.job.floor
        needs: dict[int, list[Span]] = {}
        for scan, first, last in self.needs or ():
            needs.setdefault(scan, []).append((first, last))
        covered = [(max(floor, first), last) for first, last in self.covered if last >= floor]
        return Claim(covered, self.job.live_from, needs)


class Known(NamedTuple):
    """What is stored of a contract's jobs, of one moment; `hashes` are those of the blocks from final on, `rewinds` the
    reorgs undone so far."""

    as_of: AsOf | None
    jobs: list[StoredProof]
    reads: list[Read]
    left: list[int]
    hashes: Mapping[int, bytes]
    rewinds: int


Ask = Callable[[Chain, Wanted], FirstTouch]
"""Finds the log of a touch: FirstTouches.find, or what stands for it."""


def prove(address: bytes, chain: Chain, contract: bytes, ask: Ask) -> Proof | None:
    """The proof for an address and a contract (20 bytes): one statement, one snapshot, then what `ask` finds.

    None where no enabled job watches the contract.
    """
    known = read_known(address, chain, contract)
    enabled = [job for job in known.jobs if job.enabled]
    if not enabled:
        return None
    jobs = [prove_job(job, known) for job in known.jobs]
    levels = [found.level for job in jobs if job.enabled for found in job.ranges]
    return Proof(
        address=checksum(address),
        chain=chain.slug,
        chain_id=chain.chain_id,
        contract=checksum(contract),
        as_of=known.as_of,
        verdict=judge(known, enabled, lambda block: ask(chain, want(address, block, known, enabled))),
        weakest=WORDS[min(map(Level.of, levels))] if levels else None,
        jobs=jobs,
    )


def read_known(address: bytes, chain: Chain, contract: bytes) -> Known:
    parameters: dict[str, Any] = {"address": address, "contract": contract}
    [(*as_of, jobs, runs, unsettled, left, rewinds)] = ask_each(PROOF, schemas_of([chain]), parameters)
    above = read_unsettled(unsettled)
    return Known(
        read_as_of(*as_of),
        json.decode(jobs or "[]", type=list[StoredProof]),
        read_runs(runs) + above.runs,
        left,
        above.hashes,
        rewinds,
    )


def prove_job(stored: StoredProof, known: Known) -> ProofJob:
    fields = stored.job.fields()
    return ProofJob(
        job=stored.job.id,
        event=fields["event"],
        enabled=stored.enabled,
        floor=stored.job.floor,
        unreadable=stored.job.unreadable,
        ranges=[show_range(read) for read in read_evidence(stored.claim, known.reads, known.left)],
    )


def show_range(read: Read) -> ProofRange:
    return ProofRange(
        from_=read.first,
        to=read.last,
        level=WORDS[read.level],
        endpoints=list(read.endpoints),
        log_count=read.logs,
        digest=None if read.digest is None else spell_digest(read.digest),
        read_at=None if read.read_at is None else datetime.fromisoformat(read.read_at),
    )


def judge(known: Known, enabled: Sequence[StoredProof], find: Callable[[int], FirstTouch]) -> Verdict:
    """What is known for sure; `find` looks for the log in the block of a touch."""
    disabled = len(known.jobs) - len(enabled)
    touches = [job.first_block for job in enabled if job.first_block is not None]
    if touches:
        first = min(touches)
        exact = not disabled and all(is_read_below(job, first) for job in enabled)
        return Touched(first_block=first, exact=exact, **find(first)._asdict())
    floors = [job.job.floor for job in enabled]
    unreadable = sum(job.job.unreadable for job in enabled)
    if known.as_of is None:
        return NotKnown([Missing(min(floors), None)], unreadable, disabled)
    top = known.as_of.block
    spans = unite(find_missing(job.claim.covered, job.job.floor, top) for job in enabled)
    missing = [Missing(first, last) for first, last in spans]
    missing += [Missing(floor, None) for floor in sorted({floor for floor in floors if floor > top})[:1]]
    if missing or unreadable or disabled:
        return NotKnown(missing, unreadable, disabled)
    return NeverTouched(max(floors), top)


def is_read_below(job: StoredProof, block: int) -> bool:
    """Whether no log of the job before this block, and none in it, could name somebody that is not known."""
    readable = job.unreadable_from is None or job.unreadable_from > block
    return readable and not find_missing(job.claim.covered, job.job.floor, block - 1)


def want(address: bytes, block: int, known: Known, enabled: Sequence[StoredProof]) -> Wanted:
    jobs = tuple((job.job.id, job.definition) for job in enabled)
    return Wanted(address, block, known.hashes.get(block), known.rewinds, jobs)
