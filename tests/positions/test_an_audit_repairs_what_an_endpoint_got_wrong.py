"""What an endpoint left out, invented or answered with nothing is found afterwards, blamed on it, and put right."""

from collections.abc import Callable
from typing import Any

import pytest

from indexer.positions.meter import MISMATCHES, Meter
from indexer.positions.verdict import Finding
from indexer.rpc import Level
from tests.positions.liars import (
    LISTS,
    Endpoints,
    audit,
    busy_block,
    dropping,
    dropping_blocks,
    inventing,
    make_final,
    read_by,
    seed_that_drops_one,
    three,
    two,
)
from tests.positions.pool_fixtures import fill
from tests.positions.world import World

__all__ = ["three", "two"]

Change = Callable[[list[Any]], list[Any]]


@pytest.mark.parametrize("level", [Level.AGREED, Level.PROVED], ids=lambda level: level.word)
@pytest.mark.parametrize(
    "lie",
    [
        lambda world: dropping(4),
        lambda world: inventing(busy_block(world, world.floor + 4), b"\x66" * 20),
        lambda world: dropping_blocks(world.floor + 2, world.floor + 9),
    ],
    ids=["drops one log in four", "invents a log", "has a hole"],
)
def test_a_lie_is_found_blamed_and_repaired(
    world: World, three: Endpoints, lie: Callable[[World], Change], level: Level
) -> None:
    fill(world)
    world.import_list(LISTS)
    three.lie(1, lie(world))
    read_by(world, three.pool(1))
    make_final(world)
    meter = Meter()
    verdicts = audit(world, three.pool(1, 2, 3, blamed=meter.note_mismatch), level=level)
    assert Finding.REPAIRED in {verdict.finding for verdict in verdicts}
    assert all(verdict.finding.good for verdict in verdicts)
    assert {endpoint for endpoint, _ in meter.counts()[MISMATCHES]} == {"local-1"}
    world.settle()
    world.check_truth()
    again = audit(world, three.pool(2, 3), level=level)
    assert {verdict.finding for verdict in again} == {Finding.AGREES}


@pytest.mark.parametrize("level", [Level.AGREED, Level.PROVED], ids=lambda level: level.word)
@pytest.mark.parametrize("shown", [True, False], ids=["the rows show", "the rows do not show"])
def test_one_log_in_a_thousand_is_found(world: World, three: Endpoints, shown: bool, level: Level) -> None:
    fill(world)
    world.import_list(LISTS)
    first, last = world.floor, world.evm.head() - 7
    three.lie(1, dropping(1000, seed_that_drops_one(world, first, last, shown=shown), last))
    read_by(world, three.pool(1))
    make_final(world)
    meter = Meter()
    verdicts = audit(world, three.pool(1, 2, 3, blamed=meter.note_mismatch), level=level)
    found = Finding.REPAIRED if shown else Finding.WRONG_ANSWER
    assert [verdict.finding for verdict in verdicts].count(found) == 1
    assert all(verdict.finding.good for verdict in verdicts)
    assert {endpoint for endpoint, _ in meter.counts()[MISMATCHES]} == {"local-1"}
    world.check_truth()
    assert {verdict.finding for verdict in audit(world, three.pool(2, 3), level=level)} == {Finding.AGREES}


def test_who_lied_once_is_blamed_although_it_tells_the_truth_now(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    two.lie(1, dropping(3))
    read_by(world, two.pool(1))
    two.tell_the_truth()
    make_final(world)
    meter = Meter()
    verdicts = audit(world, two.pool(blamed=meter.note_mismatch))
    assert Finding.REPAIRED in {verdict.finding for verdict in verdicts}
    assert {endpoint for endpoint, _ in meter.counts()[MISMATCHES]} == {"local-1"}
    world.check_truth()


def test_who_lies_to_the_audit_is_blamed_and_nothing_is_changed(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    read_by(world, two.pool(1))
    two.lie(2, dropping(3))
    before = world.rows()
    meter = Meter()
    verdicts = audit(world, two.pool(blamed=meter.note_mismatch))
    assert {verdict.finding for verdict in verdicts} == {Finding.AGREES}
    assert {endpoint for endpoint, _ in meter.counts()[MISMATCHES]} == {"local-2"}
    assert world.rows() == before


def test_rows_that_were_lost_here_come_back_and_nobody_is_blamed(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    read_by(world, two.pool(1))
    make_final(world)
    world.connection.execute("DELETE FROM logs WHERE first_block = (SELECT min(first_block) FROM logs)")
    meter = Meter()
    verdicts = audit(world, two.pool(blamed=meter.note_mismatch))
    assert Finding.REPAIRED in {verdict.finding for verdict in verdicts}
    assert not meter.counts()[MISMATCHES]
    world.check_truth()


def test_an_invented_row_is_gone_and_its_job_is_to_be_checked_until_it_is_read_again(
    world: World, three: Endpoints
) -> None:
    fill(world)
    world.import_list(LISTS)
    three.lie(1, inventing(busy_block(world, world.floor + 4), b"\x67" * 20))
    read_by(world, three.pool(1))
    make_final(world)
    [(_, job)] = [key for key in world.rows() if key[0] == b"\x67" * 20]
    [repaired] = [verdict for verdict in audit(world, three.pool()) if verdict.finding is Finding.REPAIRED]
    assert repaired.rescanned == {job}
    assert not [key for key in world.rows() if key[0] == b"\x67" * 20]
    assert world.setting("coverage")["check_also_count"] == 1
    world.check_claims()
    world.settle()
    world.check_truth()


def test_a_level_that_was_reached_is_said(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    read_by(world, two.pool(1))
    assert world.setting("levels").keys() == {"claimed"}
    audit(world, two.pool())
    levels = world.setting("levels")
    # What lies above final is not audited.
    assert levels["claimed"] == 6
    assert levels["agreed"] == world.evm.head() - 6 - world.floor + 1
    rows = world.connection.execute("SELECT DISTINCT endpoints FROM readings WHERE level = 1").fetchall()
    assert rows == [(["local-1", "local-2"],)]
