"""kill -9 before and after each COMMIT of every unit of work, and each write that is one by itself: what was to be done
is done by the next worker, once.

A kill during a COMMIT is one before or one after it, and one in the midst of a transaction is one before its COMMIT:
PostgreSQL knows no third way.
"""

from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from indexer.chains.connections import Connection
from indexer.positions.protocol.jobs import purge_retired
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.segments import put_segment_aside
from tests.evm import TRANSFER
from tests.positions.racing import Gate, open_gated
from tests.positions.world import A, B, C, World, grow

Work = Callable[[Connection], object]
NEVER = 1_000_000
BY_SENDER = {"topic0": TRANSFER, "user_topic": 1}


class Killed(BaseException):
    """The process is no more; nothing of its own runs after this."""


class Shot(Gate):
    """Ends the session before step `at`, as the kernel ends the connections of a killed process."""

    connection: Connection

    def reach(self, step: str) -> None:
        self.steps.append(step)
        if len(self.steps) == self.at + 1:
            self.connection.close()
            raise Killed(step)


def first_start(world: World) -> Work:
    world.import_list({A: "Transfer"})
    return lambda connection: world.latest(connection).step()


def commit_block(world: World) -> Work:
    begin(world)
    return lambda connection: world.latest(connection).step()


def commit_range(world: World) -> Work:
    """Final blocks, many at once."""
    begin(world)
    grow(world.evm, 25)
    return lambda connection: world.latest(connection).step()


def take_up(world: World) -> Work:
    begin(world)
    world.import_list({C: "Transfer"})
    return lambda connection: world.latest(connection).step()


def undo(world: World) -> Work:
    """Below final, where segments and coverage are clipped, too."""
    begin(world)
    latest = world.latest()
    while latest.step():
        pass
    world.run_historic()
    world.evm.reorg(12)
    grow(world.evm, 2)
    return lambda connection: world.latest(connection).step()


def read_past(world: World) -> Work:
    """Claim, read, commit, give back, close the scan."""
    begin(world)
    return lambda connection: world.run_historic(connection)


def put_aside(world: World) -> Work:
    begin(world)

    def put(connection: Connection) -> None:
        with world.historic(connection) as loop:
            loop.claim_more()
            (held,) = loop.asked.values()
            put_segment_aside(connection, "test", held, held.cursor + 3, "refused")
            loop.asked.clear()

    return put


def purge(world: World) -> Work:
    begin(world)
    world.run_historic()
    world.import_list({A: BY_SENDER})
    return purge_retired


def open_scan(world: World) -> Work:
    """A job that had to wait is scanned again."""
    begin(world)
    world.run_historic()
    world.connection.execute("UPDATE jobs SET covered = '{}', complete = false WHERE id = (SELECT min(id) FROM jobs)")
    return close_scans


def begin(world: World) -> None:
    """Jobs A and B are live, some blocks above final are stored, the past of both is waiting."""
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    for _ in range(4):
        latest.step()


def run(world: World, prepare: Callable[[World], Work], at: int) -> list[str]:
    """Begin anew and kill the work before its step `at`; the steps that it has come to."""
    world.begin()
    work = prepare(world)
    shot = Shot(at)
    connection = open_gated(world.connection, shot)
    shot.connection = connection
    # What unwinds here in Python, a killed process would not do; without its session it comes to nothing, either.
    with connection, suppress(Killed, psycopg.Error):
        work(connection)
    return shot.steps


def worth_a_shot(steps: list[str]) -> list[int]:
    """Before and after whatever makes something last."""
    lasting, inside = [], False
    for at, step in enumerate(steps):
        inside = step == "BEGIN" or (inside and step != "COMMIT")
        if step == "COMMIT" or (not inside and step.startswith(("INSERT", "UPDATE", "DELETE"))):
            lasting.append(at)
    return sorted({at + more for at in lasting for more in (0, 1) if at + more < len(steps)})


WORKS = [first_start, commit_block, commit_range, take_up, undo, read_past, put_aside, purge, open_scan]


@pytest.mark.slow
@pytest.mark.parametrize("prepare", WORKS)
def test_the_next_worker_does_what_the_killed_one_was_at(world: World, prepare: Callable[[World], Work]) -> None:
    moments = worth_a_shot(run(world, prepare, NEVER))
    assert moments
    for at in moments:
        steps = run(world, prepare, at)
        # As when half a minute has passed.
        world.connection.execute("UPDATE segments SET lease_until = now() - interval '1 s', next_attempt = NULL")
        if world.setting("latest_block_processed") is not None:
            world.check_claims()
        world.settle()
        world.check_truth()
        twice = world.connection.execute(
            "SELECT 1 FROM unsettled GROUP BY block_number, address, job_id HAVING count(*) > 1"
        ).fetchone()
        assert twice is None, steps[-1]
