"""Jobs as programs read them: what is watched, by which event, and how far each is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field, json

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.definition import TRANSFER, Definition
from indexer.positions.listing import STATE
from indexer.positions.lookup import Eip55
from indexer.positions.protocol.jobs import COLUMNS
from indexer.positions.protocol.state import CURSOR, NUMBER
from indexer.positions.union import ask_each, schemas_of

SHOWN_UNREADABLE = 100
"""Blocks with unreadable logs that a job names."""

# One job of {schema}.jobs, as the struct Stored reads it.
STORED = f"""json_build_object(
    'id', jobs.id, 'contract', encode(contract_address, 'hex'), 'topic0', encode(topic0, 'hex'),
    'user_topic', user_topic, 'abi', abi, 'user', user_argument, 'metadata', metadata_argument,
    'transform', transform, 'floor', floor, 'live_from', live_from, 'state', {STATE}, 'complete', complete,
    'unreadable', unreadable, 'error', error, 'next_attempt', next_attempt,
    'labels', (SELECT coalesce(json_agg(json_build_object('source', source, 'protocol', protocol, 'product', product)
                                        ORDER BY source, protocol, product), '[]')
               FROM {{schema}}.job_labels WHERE job_id = jobs.id)
)"""

BY_ID = f"""
SELECT {{ordinal}}, (SELECT json_agg({STORED} ORDER BY jobs.id)::text FROM {{schema}}.jobs WHERE id = ANY(%(jobs)s))
"""
# What the historic loop has read of a job, in finished scans or not, and what the latest loop has.
COVERED = f"""(
    SELECT coalesce(json_agg(json_build_array(lower(piece), upper(piece) - 1) ORDER BY piece), '[]')
    FROM unnest(covered + coalesce((
        SELECT range_agg(need * int8multirange(int8range(from_block, segments.cursor)))
        FROM {{schema}}.scan_jobs JOIN {{schema}}.scans ON scans.id = scan_jobs.scan_id
             JOIN {{schema}}.segments ON segments.scan_id = scans.id
        WHERE scan_jobs.job_id = jobs.id AND finished_at IS NULL AND segments.cursor > from_block
    ), '{{{{}}}}') + coalesce((
        SELECT int8multirange(int8range(live_from, greatest(live_from, {NUMBER} + 1)))
        FROM {{schema}}.settings WHERE key = '{CURSOR}' AND live_from IS NOT NULL
    ), '{{{{}}}}')) AS piece
)"""
DETAIL = f"""
SELECT {{ordinal}}, (
    SELECT json_build_object('job', {STORED}, 'covered', {COVERED}, 'unreadable', (
        SELECT coalesce(json_agg(json_build_array(block_number, count, reason)), '[]')
        FROM (SELECT block_number, count, reason FROM {{schema}}.unreadable_logs WHERE job_id = jobs.id
              ORDER BY block_number LIMIT {SHOWN_UNREADABLE}) AS first
    ))::text
    FROM {{schema}}.jobs WHERE id = %(job)s
)
"""
SAME = " AND ".join(f"{column} IS NOT DISTINCT FROM %s" for column in COLUMNS.split(", "))


class JobLabel(Struct):
    """What one source calls a job: a protocol's product."""

    source: Annotated[str, Meta(examples=["default"])]
    protocol: Annotated[str, Meta(examples=["aave-v2"])]
    product: Annotated[str, Meta(examples=["a-token"])]


class WatchedEvent(Struct, forbid_unknown_fields=True):
    """How a log names its user, as a watch list says it: by topic0 and topic, or by ABI and argument."""

    topic0: Annotated[str, Meta(description="32 bytes")] | UnsetType = UNSET
    user_topic: Annotated[int, Meta(description="the topic that is the user, 1 to 3")] | UnsetType = UNSET
    abi: Annotated[str, Meta(description="the event", examples=["event Mint(address minter)"])] | UnsetType = UNSET
    user: Annotated[str, Meta(description="the argument that is the user")] | UnsetType = UNSET
    metadata: Annotated[str, Meta(description="the argument kept besides")] | UnsetType = UNSET
    transform: Annotated[str, Meta(description="what makes the user an address")] | UnsetType = UNSET


Event = Literal["Transfer"] | WatchedEvent


class Job(Struct):
    """A watched contract and event, and how far it is read."""

    id: int
    contract: Eip55
    event: Annotated[Event, Meta(description="as a watch list writes it")]
    topic0: Annotated[str, Meta(description="of the event, 32 bytes")]
    labels: list[JobLabel]
    floor: Annotated[int, Meta(description="nothing earlier is promised")]
    live_from: Annotated[int | None, Meta(description="the block from which the latest loop has followed it")]
    state: Annotated[
        Literal["new", "pending", "complete", "put aside", "disabled", "retired"],
        Meta(description="put aside: its past could not be read, see error; retired: on its way out"),
    ]
    complete: Annotated[bool, Meta(description="read from its floor to the block that answers are true for")]
    unreadable: Annotated[int, Meta(description="logs that do not fit the definition")]
    error: Annotated[str | None, Meta(description="why its past could not be read")]
    next_attempt: Annotated[datetime | None, Meta(description="when that is tried again")]


class BlockRange(Struct):
    """Blocks, both ends included."""

    from_: int = field(name="from")
    to: int


class UnreadableBlock(Struct):
    """Logs of one block that did not fit the job."""

    block: int
    count: int
    reason: Annotated[str, Meta(description="of the first of them")]


class JobDetail(Job):
    """The same with the blocks that are read, and those with unreadable logs."""

    covered: list[BlockRange]
    unreadable_blocks: Annotated[list[UnreadableBlock], Meta(description=f"the first {SHOWN_UNREADABLE}")]


class Stored(Struct):
    """A job as STORED writes it."""

    id: int
    contract: str
    topic0: str
    user_topic: int | None
    abi: str | None
    user: str | None
    metadata: str | None
    transform: str | None
    floor: int
    live_from: int | None
    state: Literal["new", "pending", "complete", "put aside", "disabled", "retired"]
    complete: bool
    unreadable: int
    error: str | None
    next_attempt: datetime | None
    labels: list[JobLabel]

    def fields(self) -> dict[str, Any]:
        """Those of Job."""
        topic0 = "0x" + self.topic0
        return {
            "id": self.id,
            "contract": checksum(bytes.fromhex(self.contract)),
            "event": write_event(topic0, self.user_topic, self.abi, self.user, self.metadata, self.transform),
            "topic0": topic0,
            "labels": self.labels,
            "floor": self.floor,
            "live_from": self.live_from,
            "state": self.state,
            "complete": self.complete,
            "unreadable": self.unreadable,
            "error": self.error,
            "next_attempt": self.next_attempt,
        }


class StoredDetail(Struct):
    job: Stored
    covered: list[tuple[int, int]]
    unreadable: list[tuple[int, int, str]]


def read_jobs(chain: Chain, jobs: Sequence[int], *, using: str | None = None) -> list[Job]:
    """Those of the jobs that there are, by id."""
    [(found,)] = ask_each(BY_ID, schemas_of([chain]), {"jobs": list(jobs)}, using=using)
    return decode_jobs(found)


def decode_jobs(found: str | None) -> list[Job]:
    return [Job(**job.fields()) for job in json.decode(found, type=list[Stored])] if found else []


def read_job(chain: Chain, job: int) -> JobDetail | None:
    """Read where jobs are written, so that whoever has changed one sees the change."""
    [(found,)] = ask_each(DETAIL, schemas_of([chain]), {"job": job}, using="default")
    if found is None:
        return None
    detail = json.decode(found, type=StoredDetail)
    return JobDetail(
        **detail.job.fields(),
        covered=[BlockRange(*piece) for piece in detail.covered],
        unreadable_blocks=[UnreadableBlock(*block) for block in detail.unreadable],
    )


def find_job(connection: Connection, definition: Definition) -> int | None:
    """The job of this definition that has not retired."""
    row = connection.execute(f"SELECT id FROM jobs WHERE NOT retired AND {SAME}", definition.columns).fetchone()
    return None if row is None else int(row[0])


def write_event(
    topic0: str, user_topic: int | None, abi: str | None, user: str | None, metadata: str | None, transform: str | None
) -> Event:
    """A job's event as a watch list writes it; what `Definition.from_event` reads."""
    if user_topic is not None:
        plain = topic0 == "0x" + TRANSFER.hex() and user_topic == 2
        return "Transfer" if plain else WatchedEvent(topic0=topic0, user_topic=user_topic)
    return WatchedEvent(
        abi=UNSET if abi is None else abi,
        user=UNSET if user is None else user,
        metadata=UNSET if metadata is None else metadata,
        transform=UNSET if transform is None else transform,
    )
