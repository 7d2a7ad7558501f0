"""The historic loop passes over pairs that it knows to be stored: whatever deletes rows must make it look again."""

from concurrent.futures import wait

import pytest

from indexer.positions.historic import HistoricLoop
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs
from indexer.positions.protocol.repair import NOTE_DELETION
from indexer.positions.protocol.state import FINAL, REWIND
from tests.positions.liars import LISTS, Endpoints, audit, busy_block, inventing, make_final, read_by, three
from tests.positions.pool_fixtures import fill
from tests.positions.world import A, World

__all__ = ["three"]


@pytest.fixture
def ready(world: World) -> World:
    """A is live and its past is waiting to be read."""
    fill(world)
    world.import_list({A: "Transfer"})
    follow(world)
    return world


def follow(world: World) -> None:
    latest = world.latest()
    while latest.step():
        pass


def finish(loop: HistoricLoop) -> None:
    while loop.step():
        pass


def delete_rows(world: World) -> None:
    """What a repair does to rows, and says of it."""
    with world.connection.transaction():
        world.connection.execute(NOTE_DELETION, [REWIND])
        world.connection.execute("DELETE FROM logs WHERE first_block <= %s", [world.setting(FINAL)])


def past(world: World) -> set[tuple[bytes, int]]:
    """The pairs of final blocks that are stored."""
    return {pair for pair, block in world.rows().items() if block <= world.setting(FINAL)}


def read_again(world: World) -> None:
    world.connection.execute("UPDATE jobs SET covered = '{}', complete = false")
    follow(world)


def hold_all(loop: HistoricLoop) -> None:
    """Read everything, and store nothing of it yet."""
    loop.claim_more()
    while loop.asked:
        done, _ = wait(loop.asked)
        for future in done:
            loop.take(loop.asked.pop(future), future)
    assert loop.held


def test_what_is_known_is_not_written_again(ready: World) -> None:
    with ready.historic() as loop:
        finish(loop)
        before = ready.connection.execute("SELECT xmin::text, address FROM logs ORDER BY 2").fetchall()
        read_again(ready)
        hold_all(loop)
        assert loop.held_rows == 0
        finish(loop)
    assert ready.connection.execute("SELECT xmin::text, address FROM logs ORDER BY 2").fetchall() == before
    ready.check_truth()


def test_rows_that_were_deleted_are_written_again(ready: World) -> None:
    with ready.historic() as loop:
        finish(loop)
        delete_rows(ready)
        read_again(ready)
        finish(loop)
    ready.check_truth()


def test_what_was_passed_over_before_they_were_deleted_is_read_again(ready: World) -> None:
    with ready.historic() as loop:
        finish(loop)
        read_again(ready)
        hold_all(loop)
        delete_rows(ready)
        loop.store()
        assert past(ready) == set()
        finish(loop)
    ready.check_truth()


def test_rows_of_jobs_that_left_their_scan_are_not_taken_for_stored(ready: World) -> None:
    [job] = ready.jobs().values()
    with ready.historic() as loop:
        hold_all(loop)
        disable_jobs(ready.connection, [job])
        loop.store()
        assert past(ready) == set()
        enable_jobs(ready.connection, [job])
        follow(ready)
        finish(loop)
    assert past(ready)
    ready.check_truth()


def test_a_repair_that_deletes_rows_says_so(world: World, three: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    three.lie(1, inventing(busy_block(world, world.floor + 4), b"\x66" * 20))
    read_by(world, three.pool(1))
    make_final(world)
    assert world.setting(REWIND).get("deletions", 0) == 0
    audit(world, three.pool(1, 2, 3))
    assert world.setting(REWIND)["deletions"] > 0
