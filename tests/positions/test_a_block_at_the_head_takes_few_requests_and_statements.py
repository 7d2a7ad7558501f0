"""What a block at the head costs is counted: statements and requests, one block at a time and many in a row."""

import time

import pytest

from benchmarks.head import begin, count, cursor_of, open_loop
from benchmarks.head_node import EPOCH, Shape, head_node
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.readahead import AT_ONCE
from indexer.rpc import Level
from tests.positions.racing import Gate, open_gated

DEPTH = 8
FOLLOWED = Shape("followed", EPOCH + 16, 4, 2, 1, users_in_data=True, jobs=20)
BEHIND = Shape("behind", AT_ONCE + 1, 4, 2, 1, users_in_data=True, jobs=20)
STATEMENTS = (
    "SELECT (SELECT jsonb_object_agg",
    "BEGIN",
    "SELECT 1 FROM settings WHERE key = %s FOR UPDATE",
    "SELECT (SELECT jsonb_object_agg",
    "INSERT INTO logs",
    "INSERT INTO unsettled",
    "WITH kept AS ( INSERT INTO blocks",
    "COMMIT",
)


def assert_few(statements: list[str]) -> None:
    assert len(statements) == len(STATEMENTS)
    for sent, expected in zip(statements, STATEMENTS, strict=True):
        assert sent.startswith(expected)


@pytest.mark.parametrize(("endpoints", "most"), [(1, 3.5), (3, 8.0)])
def test_a_block_every_twelve_seconds(chain: Chain, connection: Connection, endpoints: int, most: float) -> None:
    with head_node(FOLLOWED, endpoints, DEPTH) as node:
        begin(connection, node, FOLLOWED)
        counts = count(chain, connection, node, FOLLOWED, Level.PROVED, epochs=1)
    assert counts.requests <= most
    assert_few(counts.statements)
    # One more looks every ten seconds for jobs whose delay is over; an epoch that becomes final takes a few.
    assert counts.sent <= 9.5
    assert cursor_of(connection) == FOLLOWED.blocks


@pytest.mark.parametrize(("goal", "requests"), [(Level.BLOOM, 3), (Level.PROVED, 2 + AT_ONCE)])
def test_many_blocks_in_a_row(chain: Chain, connection: Connection, goal: Level, requests: int) -> None:
    gate = Gate(-1)
    with head_node(BEHIND, 1, 10_000) as node, open_gated(connection, gate) as gated:
        begin(connection, node, BEHIND)
        loop = open_loop(chain, gated, node, goal, time.monotonic)
        node.show(1)
        assert loop.step()
        gate.steps.clear()
        before = node.requests
        node.show(BEHIND.blocks)
        # The first step after a commit looks for the head again; all that is there is read in it.
        assert loop.step()
        assert_few(gate.steps)
        assert node.requests - before == requests
        assert cursor_of(connection) == BEHIND.blocks
    levels = connection.execute("SELECT level FROM blocks WHERE number > 1").fetchall()
    assert levels == [(goal,)] * AT_ONCE
