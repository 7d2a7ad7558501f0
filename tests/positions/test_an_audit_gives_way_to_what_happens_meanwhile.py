"""What changes between reading and repair makes an audit begin anew; what it has done stays when it is broken off."""

from collections.abc import Callable
from typing import Any

import pytest

from indexer.positions.audit import Auditor
from indexer.positions.protocol.audits import choose_readings
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from indexer.positions.verdict import Finding
from indexer.rpc import BlockUnknown, Level
from tests.positions.liars import LISTS, Endpoints, audit, dropping, make_final, read_by, three, two
from tests.positions.pool_fixtures import fill
from tests.positions.world import A, B, C, World, grow, on
from tests.rpc.scripted import Answer

__all__ = ["three", "two"]


@pytest.fixture
def lied_to(world: World, two: Endpoints) -> World:
    """The past was read by local-1, which drops every third log."""
    fill(world)
    world.import_list(LISTS)
    two.lie(1, dropping(3))
    read_by(world, two.pool(1))
    make_final(world)
    return world


def when_deciding(endpoints: Endpoints, work: Callable[[], object]) -> None:
    """Something else happens while a block that differs is read by itself: before what was found is put right."""
    left = [work]

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] == "eth_getBlockReceipts" and left:
            left.pop()()
        return None

    for proxy in endpoints.proxies:
        proxy.rules.insert(0, rule)


def jobs_of(world: World) -> list[int]:
    return sorted(world.jobs().values())


@pytest.mark.parametrize(
    "change",
    [
        lambda world: on(world.chain, lambda connection: disable_jobs(connection, jobs_of(world)[:1])),
        lambda world: on(world.chain, lambda connection: rescan_jobs(connection, jobs_of(world)[:2], world.floor + 3)),
        lambda world: on(
            world.chain,
            lambda connection: world.import_on(
                connection, {A: "Transfer", B: {"topic0": "Transfer", "user": 1}, C: "Transfer"}
            ),
        ),
    ],
    ids=["a job is disabled", "jobs are to be read again", "a job is replaced"],
)
def test_a_change_meanwhile_does_no_harm(
    lied_to: World, two: Endpoints, change: Callable[[World], Callable[[], object]]
) -> None:
    when_deciding(two, change(lied_to))
    verdicts = audit(lied_to, two.pool())
    assert {verdict.finding for verdict in verdicts} <= {Finding.REPAIRED, Finding.AGREES}
    lied_to.check_claims()
    enable_jobs(lied_to.connection, jobs_of(lied_to))
    lied_to.settle()
    lied_to.check_truth()


def test_a_deep_reorg_that_is_undone_meanwhile_does_no_harm(lied_to: World, two: Endpoints) -> None:
    def reorganise() -> None:
        lied_to.evm.reorg(20)
        grow(lied_to.evm, 3)
        on(lied_to.chain, lambda connection: lied_to.latest(connection).step())()

    when_deciding(two, reorganise)
    audit(lied_to, two.pool())
    lied_to.settle()
    lied_to.check_truth()
    assert lied_to.setting("rewind")["count"] == 1


def test_a_deep_reorg_that_is_not_undone_yet_is_waited_for(lied_to: World, two: Endpoints) -> None:
    before = lied_to.rows()
    lied_to.evm.reorg(20)
    grow(lied_to.evm, 30)
    with pytest.raises(BlockUnknown, match="deep reorg"):
        audit(lied_to, two.pool())
    assert lied_to.rows() == before
    lied_to.settle()
    lied_to.check_truth()


def test_what_is_broken_off_is_begun_again(lied_to: World, two: Endpoints) -> None:
    chosen = choose_readings(lied_to.connection, 0, None, 1.0)
    audits = [Auditor("hilltop", lied_to.connection, two.pool()).begin(reading) for reading, _ in chosen]
    for begun in audits:
        assert begun is not None
        begun.step()
    verdicts = audit(lied_to, two.pool(), level=Level.PROVED)
    assert all(verdict.finding.good for verdict in verdicts)
    lied_to.check_truth()


def test_a_repair_that_is_done_twice_changes_nothing(lied_to: World, two: Endpoints) -> None:
    audit(lied_to, two.pool())
    rows = lied_to.rows()
    again = audit(lied_to, two.pool(2))
    assert {verdict.finding for verdict in again} == {Finding.AGREES}
    assert lied_to.rows() == rows
