"""Whoever claims segment after segment asks for the jobs of their scan once, until one leaves or needs other blocks."""

from datetime import timedelta

import pytest

from indexer.positions.protocol import segments
from indexer.positions.protocol.jobs import disable_jobs, rescan_jobs
from indexer.positions.protocol.segments import Claim, KnownJobs, claim_segment
from tests.positions.world import A, B, World

EXPIRED = timedelta(seconds=-1)


@pytest.fixture
def pending(world: World) -> World:
    """The past of A and of B is one segment, which may be claimed again and again."""
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    return world


def claim(world: World, known: KnownJobs) -> Claim:
    found = claim_segment(world.connection, "test", lease=EXPIRED, known=known)
    assert found is not None
    return found


def test_the_jobs_of_a_scan_are_asked_for_once(pending: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownJobs()
    first = claim(pending, known)
    assert {definition.contract for _, definition in first.jobs} == {A, B}
    monkeypatch.setattr(segments, "JOBS", "SELECT 1 / 0")
    again = claim(pending, known)
    assert (again.jobs, again.whole) == (first.jobs, True)


def test_a_job_that_has_left_is_not_read_for(pending: World) -> None:
    known = KnownJobs()
    claim(pending, known)
    disable_jobs(pending.connection, [pending.jobs()[A, 2]])
    after = claim(pending, known)
    assert [definition.contract for _, definition in after.jobs] == [B]
    assert after.whole


def test_jobs_of_different_needs_are_asked_for_every_time(pending: World) -> None:
    known = KnownJobs()
    connection = pending.connection
    shorter = "int8multirange(int8range(lower(need), lower(need) + 3))"
    connection.execute(f"UPDATE scan_jobs SET need = {shorter} WHERE job_id = %s", [pending.jobs()[A, 2]])
    first = claim(pending, known)
    assert {definition.contract for _, definition in first.jobs} == {A, B}
    assert not first.whole
    connection.execute("UPDATE segments SET cursor = cursor + 3, from_block = from_block + 3")
    assert [definition.contract for _, definition in claim(pending, known).jobs] == [B]


def test_jobs_of_another_scan_are_not_taken_for_its_own(pending: World) -> None:
    known = KnownJobs()
    of_one = claim(pending, known)
    rescan_jobs(pending.connection, [pending.jobs()[A, 2]], 1)
    latest = pending.latest()
    while latest.step():
        pass
    claims = [claim_segment(pending.connection, "test", known=known) for _ in range(2)]
    found = {each.scan: {definition.contract for _, definition in each.jobs} for each in claims if each}
    assert len(found) == 2
    assert found.pop(of_one.scan) == {B}
    assert list(found.values()) == [{A}]
