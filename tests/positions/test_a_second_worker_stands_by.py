"""Workers as processes: one writer at the head, standbys that take over, helpers that share the past, good manners."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations.loader import MigrationLoader

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from tests import evm
from tests.evm import TRANSFER
from tests.positions.world import A, B, C, World, grow
from tests.processes import ChainWorker, manage, run, wait_until, waiting_backends

MISCONFIGURED = 78
SOON = 5.0
"""Seconds; the standby asks every one."""
BY_SENDER = {"topic0": TRANSFER, "user_topic": 1}

# What psql could be told to write down: whose commit moved which segment from where to where.
AUDIT = """
CREATE TABLE moves (owner text, segment bigint, from_block bigint, to_block bigint);
CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moves VALUES (NEW.owner, NEW.id, OLD.cursor, NEW.cursor);
    RETURN NULL;
END $$;
CREATE TRIGGER note_move AFTER UPDATE ON segments FOR EACH ROW
WHEN (OLD.cursor <> NEW.cursor) EXECUTE FUNCTION note_move();
"""
NO_AUDIT = "DROP TRIGGER note_move ON segments; DROP FUNCTION note_move; DROP TABLE moves"

Start = Callable[..., ChainWorker]


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Start]:
    """Starts workers of the chain; none outlives the test."""
    started: list[ChainWorker] = []

    def start(*options: str) -> ChainWorker:
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(ChainWorker("hilltop", *options, url=world.evm.url, log=log))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


@pytest.fixture
def moves(connection: Connection) -> Iterator[Callable[[], list[tuple[Any, ...]]]]:
    """The commits of the historic loops: owner, segment, from, to."""
    connection.execute(AUDIT)
    yield lambda: connection.execute("SELECT * FROM moves ORDER BY segment, from_block").fetchall()
    connection.execute(NO_AUDIT)


def at_head(world: World) -> bool:
    return bool(world.setting("latest_block_processed") == world.evm.head())


def lock_holders(connection: Connection) -> list[int]:
    rows = connection.execute(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return [pid for (pid,) in rows]


def test_a_standby_says_so_and_takes_over_when_the_first_is_killed(world: World, start: Start) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    first = start()
    wait_until(lambda: at_head(world))
    holders = lock_holders(world.connection)
    assert len(holders) == 1
    second = start()
    second.wait_until_it_says("another worker is at the head; standing by")
    grow(world.evm, 3)
    wait_until(lambda: at_head(world))
    assert lock_holders(world.connection) == holders
    assert "took over" not in second.said

    first.kill()
    grow(world.evm, 2)
    second.wait_until_it_says("took over", within=SOON)
    wait_until(lambda: at_head(world), within=SOON)
    assert second.said.count("standing by") == 1
    assert second.terminate(within=SOON) == 0
    world.settle()
    world.check_truth()


def test_sigterm_lets_worker_and_standby_leave_at_once(world: World, start: Start) -> None:
    world.import_list({A: "Transfer"})
    first = start()
    wait_until(lambda: at_head(world))
    second = start()
    second.wait_until_it_says("standing by")
    for worker in (first, second):
        asked = time.monotonic()
        assert worker.terminate(within=SOON) == 0
        assert time.monotonic() - asked < SOON
        assert "told to stop; finishing the batch in hand" in worker.said
        assert worker.said.rstrip().endswith("has left in good order")
    unfinished = world.connection.execute("SELECT 1 FROM segments WHERE owner IS NOT NULL").fetchall()
    assert not unfinished


def test_a_worker_uses_at_most_three_connections(world: World, start: Start) -> None:
    """Counted from its first moment to the last, Django's own connection of the start included."""
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer"})
    clients = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )

    def count() -> int:
        row = world.connection.execute(clients).fetchone()
        assert row is not None
        return int(row[0])

    others = count()
    worker = start("--until-synced")
    counts = set()
    while worker.process.poll() is None:
        counts.add(count() - others)
    assert worker.wait() == 0
    assert 2 <= max(counts) <= 3
    world.check_truth()


def test_the_loops_can_be_run_apart(world: World, start: Start) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = start("--only", "latest", "--until-synced")
    assert latest.wait() == 0
    assert at_head(world)
    assert not world.setting("coverage")["complete"]
    moved = "SELECT 1 FROM segments WHERE cursor > from_block"
    assert not world.connection.execute(moved).fetchall()

    cursor = world.setting("latest_block_processed")
    grow(world.evm, 2)
    historic = start("--only", "historic", "--until-synced")
    assert historic.wait() == 0
    assert world.setting("coverage")["complete"]
    assert world.setting("latest_block_processed") == cursor

    assert start("--only", "latest", "--until-synced").wait() == 0
    world.check_truth()


def test_helpers_share_the_past_and_read_nothing_twice(
    world: World, start: Start, moves: Callable[[], list[tuple[Any, ...]]]
) -> None:
    latest = world.latest()
    latest.step()
    for event in ("Transfer", BY_SENDER):
        for contract in (A, B, C):
            world.import_list({contract: event}, source=str(event))
            latest.step()
    assert world.connection.execute("SELECT count(*) FROM segments").fetchone() == (6,)
    # One helper may take all six at once, so neither goes on before each has one: who has claimed a segment looks for
    # its jobs next, in the same transaction.
    with connect(world.chain) as holder, holder.transaction():
        holder.execute("LOCK TABLE scan_jobs IN ACCESS EXCLUSIVE MODE")
        helpers = [start("--only", "historic", "--until-synced") for _ in range(2)]
        wait_until(lambda: len(waiting_backends(world.connection, "hilltop")) == 2)
    assert [helper.wait() for helper in helpers] == [0, 0]

    found = moves()
    assert len({owner for owner, *_ in found}) == 2
    read: dict[int, int] = {}
    for _, segment, first, last in found:
        assert read.get(segment, first) == first, "a block was read twice or left out"
        read[segment] = last
    segments = world.connection.execute("SELECT id, to_block + 1 FROM segments ORDER BY id").fetchall()
    assert sorted(read.items()) == segments
    world.settle()
    world.check_truth()


def refused(slug: str, urls: dict[str, str]) -> str:
    """What a worker says that cannot start: one sentence, and the exit code of a misconfiguration."""
    done = manage("run_chain_worker", slug, urls=urls)
    assert done.returncode == MISCONFIGURED, done.stdout + done.stderr
    lines = [line for line in done.stderr.strip().splitlines() if line]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_an_unknown_chain_is_refused(chains: list[Chain]) -> None:
    said = refused("atlantis", {})
    assert "there is no chain 'atlantis'" in said
    assert "hilltop, seaside" in said


def test_a_missing_rpc_url_is_refused(chains: list[Chain]) -> None:
    assert "set RPC_URLS_HILLTOP" in refused("hilltop", {})


def test_a_node_of_another_chain_is_refused(chains: list[Chain], anvil: evm.Chain) -> None:
    said = refused("seaside", {"seaside": anvil.url})
    assert "serves chain id 31337, not 31338: correct RPC_URLS_SEASIDE" in said
    assert anvil.url not in said


def test_unapplied_migrations_are_refused_until_they_are_applied(world: World) -> None:
    [newest] = MigrationLoader(None).graph.leaf_nodes("positions")
    world.connection.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", newest)
    try:
        said = refused("hilltop", {"hilltop": world.evm.url})
    finally:
        world.connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", newest)
    assert ".".join(newest) in said
    assert "manage.py migrate_schemas" in said
    world.import_list({A: "Transfer"})
    run("run_chain_worker", "hilltop", "--until-synced", urls={"hilltop": world.evm.url})
    world.check_truth()
