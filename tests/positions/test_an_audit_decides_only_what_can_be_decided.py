"""Where nobody can say what is true, an audit says so loudly and changes no row."""

from typing import Any

import pytest

from indexer.positions.meter import MISMATCHES, Meter
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs
from indexer.positions.verdict import Finding
from indexer.rpc import Level
from indexer.rpc.trust import Trust
from tests.positions.liars import (
    LISTS,
    Endpoints,
    audit,
    dropping,
    make_final,
    read_by,
    three,
    two,
)
from tests.positions.pool_fixtures import fill
from tests.positions.world import World
from tests.rpc.scripted import Answer, refusing

__all__ = ["three", "two"]


def nothing_proves() -> Trust:
    """A chain whose headers prove nothing."""
    return Trust.of_quirks(["no-receipts-root", "no-bloom"], False)


def findings(verdicts: list[Any]) -> set[Finding]:
    return {verdict.finding for verdict in verdicts}


def test_two_that_contradict_each_other_are_undecided(
    world: World, two: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    fill(world)
    world.import_list(LISTS)
    two.lie(1, dropping(3))
    read_by(world, two.pool(1))
    make_final(world)
    world.connection.execute("UPDATE readings SET level = 1 WHERE endpoints = '{local-1}'")
    before = world.rows()
    verdicts = audit(world, two.pool(trust=nothing_proves()))
    undecided = [verdict for verdict in verdicts if verdict.finding is Finding.UNDECIDED]
    assert undecided
    assert "local-1" in undecided[0].words
    assert "local-2" in undecided[0].words
    assert any(record.levelname == "ERROR" and "undecided" in record.message for record in caplog.records)
    assert world.rows() == before
    [level] = world.connection.execute("SELECT max(level) FROM readings WHERE endpoints = '{local-1}'").fetchone() or [
        0
    ]
    assert level == Level.CLAIMED
    assert "claimed" in world.setting("levels")


def test_the_third_decides_between_two(world: World, three: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    three.lie(1, dropping(3))
    read_by(world, three.pool(1))
    make_final(world)
    meter = Meter()
    verdicts = audit(world, three.pool(trust=nothing_proves(), blamed=meter.note_mismatch))
    assert findings(verdicts) <= {Finding.REPAIRED, Finding.AGREES}
    assert {endpoint for endpoint, _ in meter.counts()[MISMATCHES]} == {"local-1"}
    world.check_truth()


def test_one_endpoint_is_held_against_the_headers(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    two.lie(1, dropping(3))
    read_by(world, two.pool(1))
    make_final(world)
    verdicts = audit(world, two.pool(1))
    assert Finding.REPAIRED in findings(verdicts)
    world.check_truth()
    row = world.connection.execute("SELECT min(level) FROM readings").fetchone()
    assert row == (Level.PROVED,)


def test_one_endpoint_without_proof_has_nothing_to_be_compared_with(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    read_by(world, two.pool(1))
    before = world.connection.execute("SELECT * FROM readings ORDER BY id").fetchall()
    verdicts = audit(world, two.pool(1, trust=nothing_proves()))
    assert findings(verdicts) == {Finding.INCOMPARABLE}
    assert world.connection.execute("SELECT * FROM readings ORDER BY id").fetchall() == before


def test_after_a_job_has_left_rows_are_compared_and_two_must_agree(world: World, three: Endpoints) -> None:
    """What the digest was about cannot be read again, and what the job has read is still claimed."""
    fill(world)
    world.import_list(LISTS)
    three.lie(1, dropping(3))
    read_by(world, three.pool(1))
    make_final(world)
    [gone, *_] = sorted(world.jobs().values())
    disable_jobs(world.connection, [gone])
    verdicts = audit(world, three.pool())
    assert Finding.REPAIRED in findings(verdicts)
    assert any(gone in verdict.added for verdict in verdicts)
    enable_jobs(world.connection, [gone])
    world.settle()
    world.check_truth()
    assert findings(audit(world, three.pool(2, 3))) == {Finding.AGREES}


def test_nothing_is_written_where_nothing_is_to_be_repaired(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    two.lie(1, dropping(3))
    read_by(world, two.pool(1))
    make_final(world)
    rows = world.rows()
    readings = world.connection.execute("SELECT * FROM readings WHERE endpoints = '{local-1}' ORDER BY id").fetchall()
    verdicts = audit(world, two.pool(), repair=False)
    assert Finding.DIFFERS in findings(verdicts)
    assert world.rows() == rows
    after = world.connection.execute("SELECT * FROM readings WHERE endpoints = '{local-1}' ORDER BY id").fetchall()
    assert after == [row for row in readings if row in after]
    assert after


def test_receipts_that_nobody_serves_leave_two_that_agree(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    read_by(world, two.pool(1))

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] == "eth_getBlockReceipts":
            return refusing(-32601, "the method eth_getBlockReceipts does not exist/is not available")
        return None

    for proxy in two.proxies:
        proxy.rules.append(rule)
    verdicts = audit(world, two.pool(trust=nothing_proves()), level=Level.PROVED)
    assert {(verdict.finding, verdict.level) for verdict in verdicts} == {(Finding.AGREES, Level.AGREED)}
