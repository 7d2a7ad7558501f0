"""A segment belongs to whoever claimed it, for as long as the lease lasts; what a former owner read is thrown away."""

from datetime import timedelta

import pytest

from indexer.positions.protocol.segments import (
    Claim,
    claim_segment,
    put_segment_aside,
    release_segment,
    renew_leases,
)
from indexer.positions.watch import Matches, Touch, Unreadable
from tests.positions.committing import commit_range
from tests.positions.world import A, B, World

EXPIRED = timedelta(seconds=-1)
WRONG = b"\x99" * 20


@pytest.fixture
def pending(world: World) -> World:
    """A's past is one segment that nobody has claimed."""
    world.import_list({A: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    return world


def claim(world: World, owner: str, lease: timedelta = timedelta(seconds=30)) -> Claim:
    found = claim_segment(world.connection, owner, lease=lease)
    assert found is not None
    return found


def rubbish(world: World, block: int) -> Matches:
    """What nobody may ever store."""
    job = world.jobs()[A, 2]
    return Matches([Touch(block, WRONG, job, None, None)], [Unreadable(block, job, 5, "rubbish")])


def is_clean(world: World) -> bool:
    row = world.connection.execute(
        "SELECT (SELECT count(*) FROM logs WHERE address = %s) + (SELECT count(*) FROM unreadable_logs)"
        " + (SELECT sum(unreadable) FROM jobs)",
        [WRONG],
    ).fetchone()
    return row == (0,)


def test_a_claimed_segment_is_nobody_elses(pending: World) -> None:
    claim(pending, "one")
    assert claim_segment(pending.connection, "two") is None
    assert claim_segment(pending.connection, "one") is None


def test_an_expired_lease_is_taken_over_and_the_first_owners_batch_is_discarded(pending: World) -> None:
    first = claim(pending, "one", EXPIRED)
    second = claim(pending, "two")
    assert second._replace(jobs=[]) == first._replace(jobs=[])
    assert commit_range(pending.connection, "one", first, first.cursor + 3, rubbish(pending, first.cursor)) is None
    assert is_clean(pending)
    moved = commit_range(pending.connection, "two", second, second.cursor + 3, Matches([], []))
    assert moved == second._replace(cursor=second.cursor + 4)


def test_a_batch_is_discarded_after_the_taker_over_has_moved_on(pending: World) -> None:
    first = claim(pending, "one", EXPIRED)
    second = claim(pending, "two")
    commit_range(pending.connection, "two", second, second.cursor + 3, Matches([], []))
    release_segment(pending.connection, "two", second.segment)
    third = claim(pending, "one")
    assert commit_range(pending.connection, "one", first, first.cursor + 3, rubbish(pending, first.cursor)) is None
    assert is_clean(pending)
    assert third.cursor == second.cursor + 4


def test_the_same_batch_is_stored_once(pending: World) -> None:
    taken = claim(pending, "one")
    job = pending.jobs()[A, 2]
    batch = Matches([], [Unreadable(taken.cursor, job, 2, "twice")])
    assert commit_range(pending.connection, "one", taken, taken.cursor + 3, batch) is not None
    assert commit_range(pending.connection, "one", taken, taken.cursor + 3, batch) is None
    assert pending.connection.execute("SELECT unreadable FROM jobs").fetchone() == (2,)


def test_a_renewed_lease_is_kept_and_a_lost_one_is_not_renewed(pending: World) -> None:
    first = claim(pending, "one", EXPIRED)
    renew_leases(pending.connection, "one", [first.segment])
    assert claim_segment(pending.connection, "two") is None
    pending.connection.execute("UPDATE segments SET lease_until = now() - interval '1 second'")
    claim(pending, "two", EXPIRED)
    renew_leases(pending.connection, "one", [first.segment])
    assert claim(pending, "three").segment == first.segment


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["back", "forth"])
def test_a_database_whose_clock_is_set_holds_nothing_up_and_stores_nothing_twice(
    pending: World, jump: timedelta
) -> None:
    """All leases and delays are of that clock alone: as seen from the new time they lie that far ahead, or back."""
    first = claim(pending, "one")
    pending.connection.execute("UPDATE segments SET lease_until = lease_until + %s", [jump])
    second = claim(pending, "two")
    assert commit_range(pending.connection, "one", first, first.cursor + 3, rubbish(pending, first.cursor)) is None
    assert is_clean(pending)
    put_segment_aside(pending.connection, "two", second, second.to_block, "refused")
    assert claim_segment(pending.connection, "three") is None
    pending.connection.execute("UPDATE segments SET next_attempt = next_attempt + %s", [jump])
    assert claim(pending, "three").segment == first.segment
    # The holder of a lease given since then is not disturbed.
    assert claim_segment(pending.connection, "four") is None


def test_only_its_owner_gives_a_segment_back_or_puts_it_aside(pending: World) -> None:
    first = claim(pending, "one")
    release_segment(pending.connection, "two", first.segment)
    put_segment_aside(pending.connection, "two", first, first.to_block, "no business of yours")
    row = pending.connection.execute("SELECT owner, error, attempts FROM segments").fetchone()
    assert row == ("one", None, 0)
    release_segment(pending.connection, "one", first.segment)
    assert claim(pending, "two").segment == first.segment


def test_a_batch_does_not_reach_beyond_its_segment(pending: World) -> None:
    taken = claim(pending, "one")
    beyond = taken.to_block + 1
    assert commit_range(pending.connection, "one", taken, beyond, rubbish(pending, beyond)) is None
    assert is_clean(pending)


def test_what_a_job_that_has_left_the_scan_would_store_is_left_out(pending: World) -> None:
    pending.import_list({B: "Transfer"})
    pending.settle()
    pending.connection.execute("UPDATE jobs SET covered = '{}', complete = false")
    latest = pending.latest()
    while latest.step():
        pass
    taken = claim(pending, "one")
    pending.import_list({A: False})
    assert commit_range(pending.connection, "one", taken, taken.cursor + 3, rubbish_of(taken)) is not None
    assert is_clean(pending)


def rubbish_of(taken: Claim) -> Matches:
    job = min(job for job, definition in taken.jobs if definition.contract == A)
    return Matches([Touch(taken.cursor, WRONG, job, None, None)], [])


def test_two_loops_share_a_past_and_agree_with_the_chain(pending: World) -> None:
    pending.connection.execute("UPDATE segments SET to_block = from_block + 9")
    pending.connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
        " SELECT scan_id, to_block + 1, %s, to_block + 1, 0, 0 FROM segments",
        [pending.setting("final_block")],
    )
    with pending.historic(owner="one") as one, pending.historic(owner="two") as two:
        one.in_flight = two.in_flight = 1
        one.waiting = two.waiting = 0
        one.claim_more()
        two.claim_more()
        owners = pending.connection.execute("SELECT owner FROM segments ORDER BY id").fetchall()
        assert owners == [("one",), ("two",)]
        while one.step() | two.step():
            pass
    pending.check_truth()


def test_a_loop_that_is_closed_keeps_what_it_has_read_and_gives_the_rest_back(pending: World) -> None:
    with pending.historic() as loop:
        loop.claim_more()
    row = pending.connection.execute("SELECT owner, cursor > from_block FROM segments").fetchone()
    assert row == (None, True)
    pending.check_claims()
    pending.settle()
    pending.check_truth()
