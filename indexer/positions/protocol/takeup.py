"""Take-up of new jobs by the latest loop: from one transaction on, it covers them itself."""

from collections.abc import Sequence
from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.definition import Definition
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.head import known_hashes
from indexer.positions.protocol.jobs import definitions
from indexer.positions.protocol.ledger import Provenance, Run, note_take_up
from indexer.positions.protocol.scans import plan_scans
from indexer.positions.protocol.state import Started, lock_state, raise_watch_version, read_state
from indexer.positions.protocol.store import Stored, keep_jobs, store_matches
from indexer.positions.watch import Matches, merge

WAITING = "enabled AND NOT retired AND live_from IS NULL"


class TakeUp(NamedTuple):
    """Jobs that wait, and the blocks above final that must be read for them: number and hash, oldest first."""

    jobs: list[tuple[int, Definition]]
    state: Started
    blocks: list[tuple[int, bytes]]


class BlockReading(NamedTuple):
    """What one block holds for the jobs that wait."""

    number: int
    matches: Matches
    provenance: Provenance


def find_waiting(connection: Connection) -> TakeUp | None:
    """What a take-up would have to read now; None when no job waits."""
    with connection.transaction(), connection.cursor() as cur:
        jobs = definitions(cur, WAITING)
        if not jobs:
            return None
        state = read_state(cur).started
        hashes = known_hashes(cur, state.final, state.cursor)
    return TakeUp(jobs, state, sorted(hashes.items()))


def commit_take_up(connection: Connection, take_up: TakeUp, readings: Sequence[BlockReading]) -> Stored | None:
    """Make the jobs live from the block after final, store what the blocks above it touched, and scan their past.

    `readings` are those of all blocks that the take-up names.

    None, and nothing written, when cursor, final or a block's hash have changed since the blocks were read. Jobs
    that were disabled or retired meanwhile are left out.
    """
    with connection.transaction(), connection.cursor() as cur:
        state = lock_state(cur)
        if (state.cursor, state.final) != (take_up.state.cursor, take_up.state.final):
            return None
        if known_hashes(cur, take_up.state.final, take_up.state.cursor) != dict(take_up.blocks):
            return None
        live = cur.execute(
            f"UPDATE jobs SET live_from = %s + 1 WHERE id = ANY(%s) AND {WAITING} RETURNING id",
            [state.final, [job for job, _ in take_up.jobs]],
        ).fetchall()
        matches = merge([reading.matches for reading in readings])
        stored = store_matches(cur, keep_jobs(matches, {job for (job,) in live}), settled=False)
        runs = [Run(number, number, *provenance, found.pairs, found.digest) for number, found, provenance in readings]
        note_take_up(cur, runs, version=state.watch_version + 1, whole=len(live) == len(take_up.jobs))
        plan_scans(cur)
        raise_watch_version(cur)
        refresh_coverage(cur)
    return stored
