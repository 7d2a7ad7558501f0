"""An audit says what it found while a batch of a scan is stored: neither ends the other, and no level is lost."""

from collections.abc import Callable

import pytest

from indexer.chains.connections import Connection
from indexer.positions.protocol.audits import load_subject, note_audit
from indexer.positions.protocol.ledger import Provenance, Run
from indexer.positions.protocol.segments import claim_segment
from indexer.positions.watch import Matches
from indexer.rpc import Level
from tests.positions.committing import commit_range
from tests.positions.racing import race
from tests.positions.world import A, World, on

Work = Callable[[Connection], object]
SAID = Provenance(Level.CLAIMED, ("local-1",))


def half_read(world: World) -> Work:
    """A's past is read as far as its fourth block; the next four are what is stored."""
    world.import_list({A: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    claim = claim_segment(world.connection, "one")
    assert claim is not None
    moved = commit_range(world.connection, "one", claim, claim.cursor + 3, Matches([], []), SAID)
    assert moved is not None
    return lambda connection: commit_range(connection, "one", moved, moved.cursor + 3, Matches([], []), SAID)


def prove(world: World, reading: str) -> Work:
    """An audit has proved this reading."""
    row = world.connection.execute(reading).fetchone()
    assert row is not None
    subject = load_subject(world.connection, row[0])
    assert subject is not None
    run = Run(subject.kept.first, subject.kept.last, Level.PROVED, ("local-1",), 0, 0)
    return lambda connection: note_audit(connection, subject, run)


def prove_scan(world: World) -> Work:
    return prove(world, "SELECT id FROM readings WHERE scan_id IS NOT NULL")


def prove_latest(world: World) -> Work:
    """Of the scan nothing is told yet, so that the word of the latest loop's reading is all that there is."""
    world.connection.execute("DELETE FROM readings")
    return prove(
        world,
        "INSERT INTO readings (scan_id, from_block, to_block, level, endpoints)"
        " SELECT NULL, number, number, 0, '{local-1}' FROM blocks ORDER BY number LIMIT 1 RETURNING id",
    )


@pytest.mark.parametrize("audited", [prove_scan, prove_latest])
@pytest.mark.parametrize("audit_is_held", [True, False])
def test_every_level_is_said(world: World, audited: Callable[[World], Work], audit_is_held: bool) -> None:
    at = 0
    while True:
        world.begin()
        store = half_read(world)
        prove = audited(world)
        held, other = (prove, store) if audit_is_held else (store, prove)
        gate = race(world.connection, at, held, on(world.chain, other))
        if gate is None:
            assert at >= 6
            return
        read = {level for (level,) in world.connection.execute("SELECT DISTINCT level FROM readings")}
        assert Level.CLAIMED in read
        assert {Level.of(word) for word in world.setting("levels")} == read | {Level.PROVED}, at
        assert world.connection.execute("SELECT min(level) FROM segments").fetchone() == (Level.CLAIMED,)
        at += 1
