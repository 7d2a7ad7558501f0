"""A batch that was read under other circumstances than it would be stored in is not stored, whoever else checks it."""

from typing import Any

import pytest

from indexer.positions.protocol.head import Base, HeadBlock, Settlement, commit_blocks
from indexer.positions.protocol.ledger import UNKNOWN
from indexer.positions.protocol.segments import Claim, claim_segment
from indexer.positions.protocol.state import CURSOR, REWIND, WATCH_VERSION, put
from indexer.positions.protocol.takeup import BlockReading, commit_take_up, find_waiting
from indexer.positions.watch import Matches, Touch
from tests.positions.committing import commit_range
from tests.positions.world import A, B, World

USER = b"\x77" * 20


def started(world: World) -> Base:
    """A chain whose cursor is on its final block, with one live job and its past waiting."""
    world.import_list({A: "Transfer"})
    latest = world.latest()
    latest.step()
    latest.step()
    cursor = world.setting(CURSOR)
    return Base(cursor, world.evm.hash_at(cursor), world.setting(WATCH_VERSION))


def commit_next(world: World, base: Base) -> bool:
    header = world.node.header(world.setting(CURSOR) + 1)
    assert header is not None
    matches = Matches([Touch(header.number, USER, world.jobs()[A, 2], None, None)], [])
    nothing_settles = Settlement(world.setting("final_block"), 0)
    return (
        commit_blocks(world.connection, base, [HeadBlock(header, matches)], nothing_settles, settled=False) is not None
    )


@pytest.mark.parametrize(
    "change",
    [
        {"watch_version": 99},
        {"hash": b"\x13" * 32},
        {"number": 7},
    ],
    ids=["other jobs", "another branch", "another cursor"],
)
def test_a_block_read_on_another_base_is_not_stored(world: World, change: dict[str, Any]) -> None:
    base = started(world)
    before = world.setting(CURSOR)
    assert not commit_next(world, base._replace(**change))
    assert (world.setting(CURSOR), world.rows()) == (before, {})
    assert commit_next(world, base)
    assert world.setting(CURSOR) == before + 1


def claim(world: World) -> tuple[Claim, Matches]:
    started(world)
    claim = claim_segment(world.connection, "me")
    assert claim is not None
    return claim, Matches([Touch(claim.cursor, USER, world.jobs()[A, 2], None, None)], [])


@pytest.mark.parametrize(
    ("count", "back_to", "stored"),
    [
        (1, -1, False),  # below the range
        (1, 5, False),  # into the range
        (1, 1_000, True),  # above it
        (2, 1_000, False),  # more than one: how far the other went back is not known here
    ],
)
def test_a_range_is_not_stored_after_a_reorg_that_reached_it(
    world: World, count: int, back_to: int, stored: bool
) -> None:
    held, matches = claim(world)
    with world.connection.cursor() as cur:
        put(cur, REWIND, {"count": count, "ancestor": held.cursor + back_to})
    done = commit_range(world.connection, "me", held, held.cursor + 9, matches)
    assert (done is not None, bool(world.rows())) == (stored, stored)


def test_a_range_is_stored_once_and_only_by_who_holds_the_segment(world: World) -> None:
    held, matches = claim(world)
    last = held.cursor + 9
    assert commit_range(world.connection, "somebody else", held, last, matches) is None
    assert world.rows() == {}
    moved = commit_range(world.connection, "me", held, last, matches)
    assert moved == held._replace(cursor=last + 1)
    assert commit_range(world.connection, "me", held, last, matches) is None
    row = world.connection.execute("SELECT cursor, log_count FROM segments").fetchone()
    assert row == (last + 1, 0)


def test_a_range_beyond_its_segment_is_not_stored(world: World) -> None:
    held, matches = claim(world)
    assert commit_range(world.connection, "me", held, held.to_block + 1, matches) is None
    assert world.rows() == {}


def test_a_take_up_read_on_another_branch_or_cursor_is_not_stored(world: World) -> None:
    started(world)
    latest = world.latest()
    latest.step()
    world.import_list({B: "Transfer"})
    waiting = find_waiting(world.connection)
    assert waiting is not None
    assert waiting.blocks, "no block above final: nothing would be compared"
    number, _ = waiting.blocks[0]
    others = [
        waiting._replace(blocks=[(number, b"\x13" * 32), *waiting.blocks[1:]]),
        waiting._replace(blocks=waiting.blocks[1:]),
        waiting._replace(state=waiting.state._replace(cursor=waiting.state.cursor - 1)),
        waiting._replace(state=waiting.state._replace(final=waiting.state.final - 1)),
    ]
    matches = Matches([Touch(number, USER, world.jobs()[B, 2], None, None)], [])
    readings = [BlockReading(number, matches, UNKNOWN)]
    before = world.rows()
    for other in others:
        assert not commit_take_up(world.connection, other, readings)
        assert world.rows() == before
        assert find_waiting(world.connection) == waiting
    assert commit_take_up(world.connection, waiting, readings)
    assert find_waiting(world.connection) is None
