"""Undo to a block: exactly what that block's chain had remains, and nobody's older touch is lost."""

import pytest

from indexer.positions.protocol.undo import Undone, undo_to
from indexer.rpc import Header
from tests.positions.pool_fixtures import pool
from tests.positions.world import World

__all__ = ["pool"]

USER, OTHER = b"\x12" * 20, b"\x34" * 20


def header(world: World, block: int) -> Header:
    found = world.node.header(block)
    assert found is not None
    return found


@pytest.fixture
def followed(world: World, pool: bytes) -> World:
    world.import_list({pool: "Transfer"})
    world.settle()
    return world


def first_blocks(world: World) -> dict[bytes, int]:
    return {user: block for (user, _), block in world.rows().items()}


def test_a_user_who_was_there_before_stays(followed: World, pool: bytes) -> None:
    followed.evm.emit(pool, USER)
    before = followed.evm.mine()
    followed.evm.emit(pool, USER)
    followed.evm.emit(pool, OTHER)
    followed.evm.mine()
    followed.settle()
    assert undo_to(followed.connection, header(followed, before)) == Undone(1, deep=False)
    assert first_blocks(followed) == {USER: before}


def test_a_user_known_to_the_past_stays_though_the_head_saw_them_first(followed: World, pool: bytes) -> None:
    """The historic loop lowers first_block below the block that is undone."""
    followed.evm.emit(pool, USER)
    past = followed.evm.mine(8) - 7
    followed.evm.emit(pool, USER)
    head = followed.evm.mine()
    latest = followed.latest()
    while latest.step():
        pass
    followed.connection.execute("DELETE FROM logs WHERE first_block = %s", [past])
    followed.connection.execute(
        "INSERT INTO logs SELECT address, job_id, block_number FROM unsettled WHERE address = %s", [USER]
    )
    assert first_blocks(followed) == {USER: head}
    followed.connection.execute("UPDATE jobs SET live_from = %s, complete = false", [past + 8])
    followed.connection.execute("UPDATE jobs SET covered = '{}'")
    latest = followed.latest()
    while latest.step():
        pass
    followed.run_historic()
    assert first_blocks(followed) == {USER: past}
    undo_to(followed.connection, header(followed, head - 1))
    assert first_blocks(followed) == {USER: past}


def test_undoing_to_where_it_stands_or_beyond_is_nothing(followed: World) -> None:
    cursor = followed.setting("latest_block_processed")
    before = followed.setting("rewind")
    assert undo_to(followed.connection, header(followed, cursor)) is None
    followed.evm.mine()
    assert undo_to(followed.connection, header(followed, cursor + 1)) is None
    assert (followed.setting("latest_block_processed"), followed.setting("rewind")) == (cursor, before)


def open_scan(world: World, first: int) -> int:
    """Let the job need its past from block `first` on once more; the block that the past ends before."""
    world.evm.mine(3)
    world.settle()
    world.connection.execute(
        "UPDATE jobs SET covered = covered - int8multirange(int8range(%s, NULL)), complete = false", [first]
    )
    latest = world.latest()
    while latest.step():
        pass
    row = world.connection.execute("SELECT max(live_from) FROM jobs").fetchone()
    assert row is not None
    assert scans(world) == 1
    return int(row[0])


def scans(world: World) -> int:
    """How many are unfinished."""
    row = world.connection.execute("SELECT count(*) FROM scans WHERE finished_at IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def test_a_deep_one_clips_coverage_scans_and_segments(followed: World) -> None:
    end = open_scan(followed, followed.floor)
    ancestor = end - 5
    cursor = followed.setting("latest_block_processed")
    assert undo_to(followed.connection, header(followed, ancestor)) == Undone(cursor - ancestor, deep=True)
    assert followed.setting("final_block") == followed.setting("latest_block_processed") == ancestor
    row = followed.connection.execute(
        "SELECT (SELECT max(to_block) FROM segments), (SELECT max(upper(need)) FROM scan_jobs),"
        " (SELECT max(live_from) FROM jobs), (SELECT max(number) FROM blocks)"
    ).fetchone()
    assert row == (ancestor, ancestor + 1, ancestor + 1, ancestor)
    followed.check_claims()
    followed.settle()
    followed.check_truth()


def test_a_deep_one_forgets_what_was_read_above(followed: World) -> None:
    """The segment had been read beyond the ancestor: its cursor goes back with it."""
    end = open_scan(followed, followed.floor)
    followed.connection.execute("UPDATE segments SET cursor = %s WHERE cursor <= to_block", [end - 2])
    undo_to(followed.connection, header(followed, end - 5))
    row = followed.connection.execute("SELECT max(cursor) FROM segments").fetchone()
    assert row == (end - 4,)


def test_a_scan_that_an_undo_has_emptied_is_closed(followed: World) -> None:
    """Its segments lay above the ancestor; its jobs must not wait for it."""
    end = followed.setting("final_block")
    open_scan(followed, end - 3)
    undo_to(followed.connection, header(followed, end - 10))
    assert scans(followed) == 1
    followed.settle()
    assert scans(followed) == 0
    followed.check_truth()
