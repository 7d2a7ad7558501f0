"""Health: which stall it is, since when, and what to do; and no alarm where there is none."""

from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Thread
from typing import Any

import pytest

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.health import ChainHealth, check_health, sum_up
from indexer.positions.holding import share_lock, take_lock
from indexer.positions.meter import LATEST, Meter
from indexer.positions.stalls import find_stall
from indexer.positions.standing import Reading, Standing, Trouble
from indexer.positions.trouble import AGAIN, WORTH_SAYING
from indexer.positions.trouble import Trouble as Noted
from indexer.positions.worker import Worker
from tests.positions.lookup_rows import note_head, start
from tests.positions.proxy import Proxy
from tests.positions.world import A, World
from tests.processes import wait_until
from tests.rpc.scripted import Answer, refusing

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AFTER = timedelta(minutes=10)
NO_PAST = Reading(0, 0, None, None)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def standing(slug: str = "ethereum", **given: Any) -> Standing:
    """A chain at its head whose loops both run, and whose last block was processed 20 minutes ago."""
    usual: dict[str, Any] = {
        "chain": Chain(slug=slug, schema_name=f"chain_{slug}", chain_id=1 if slug == "ethereum" else 999_999),
        "cursor": 100,
        "final": 90,
        "head": 100,
        "reorgs": 0,
        "complete": True,
        "check_also": 0,
        "levels": {},
        "processed_at": ago(minutes=20),
        "coverage_at": ago(minutes=20),
        "block_time": None,
        "past": 0,
        "past_left": 0,
        "now": NOW,
        "trouble": None,
        "reading": NO_PAST,
        "has_worker": True,
        "has_reader": True,
    }
    return Standing(**usual | given)


FRESH_TROUBLE = Trouble("2026-11-26 11:40:00 UTC", "alchemy-1: connection refused", ago(seconds=50))
STALE_TROUBLE = FRESH_TROUBLE._replace(said_at=ago(minutes=15))
LEFT = {"past": 5000, "past_left": 4000, "processed_at": ago(seconds=5)}


@pytest.mark.parametrize(
    ("given", "level", "why", "remedy"),
    [
        # nobody works
        (
            {"has_worker": False, "head": 300},
            "unhealthy",
            "no block has been processed for 20 min 0 s, 200 blocks behind the head: no worker is at its head",
            "run manage.py run_chain_worker ethereum;",
        ),
        # nor has ever
        (
            {"has_worker": False, "cursor": None, "head": None},
            "unhealthy",
            "it was added 20 min 0 s ago and no block of it has ever been processed: no worker is at its head",
            "run manage.py run_chain_worker ethereum;",
        ),
        # its node is away, as it says itself
        (
            {"trouble": FRESH_TROUBLE},
            "unhealthy",
            "its worker runs, but no endpoint has answered as it should since 2026-11-26 11:40:00 UTC: alchemy-1:",
            "name another one in RPC_URLS_ETHEREUM",
        ),
        # so it is before the worker's first block, when it does not hold the lock yet
        (
            {"trouble": FRESH_TROUBLE, "cursor": None, "has_worker": False},
            "unhealthy",
            "its worker runs, but no endpoint",
            "check_chains --chain ethereum",
        ),
        # a dead worker's words are no news
        ({"trouble": STALE_TROUBLE, "has_worker": False}, "unhealthy", "no worker is at its head", "run manage.py"),
        # the worker sees new blocks and gets nowhere
        (
            {"head": 300},
            "unhealthy",
            "no block has been processed for 20 min 0 s, 200 blocks behind the head, though its worker runs",
            "see in its log what it waits for",
        ),
        # the chain itself stands still, or all of its endpoints do
        (
            {},
            "degraded",
            "no endpoint has shown a new block for 20 min 0 s: answers are true for block 100",
            "see elsewhere whether ethereum itself stands still",
        ),
        # an endpoint that lags behind what is indexed shows nothing new, either
        ({"head": 80}, "degraded", "no endpoint has shown a new block", "name another endpoint in RPC_URLS_ETHEREUM"),
        # as read from a replica, where nobody can tell who works
        ({"has_worker": None, "head": 300}, "unhealthy", "200 blocks behind the head", "run manage.py"),
        # the head is fine, and nobody reads the past
        (
            {**LEFT, "reading": Reading(4, 0, None, ago(hours=1)), "has_reader": False},
            "degraded",
            "4,000 blocks of the past are to be read, and nobody reads them",
            "run manage.py run_chain_worker ethereum --only historic",
        ),
        # or no endpoint gives it
        (
            {**LEFT, "reading": Reading(4, 4, "alchemy-1: missing trie node", ago(hours=1))},
            "degraded",
            "each range of them has been refused 8 times or more: alchemy-1: missing trie node",
            "name an archive node",
        ),
    ],
)
def test_a_stall_says_which_it_is(given: dict[str, Any], level: str, why: str, remedy: str) -> None:
    stall = find_stall(standing(**given), AFTER)
    assert stall is not None
    assert stall.level == level
    assert why in stall.why
    assert remedy in stall.remedy
    assert stall.since in (ago(minutes=20), ago(hours=1), None)


@pytest.mark.parametrize(
    "given",
    [
        {"processed_at": ago(minutes=9.9), "has_worker": False, "has_reader": False},  # restarting, or just stopped
        {"processed_at": ago(minutes=9.9), "cursor": None, "head": None, "has_worker": False},  # just added
        {"processed_at": ago(seconds=1), "trouble": FRESH_TROUBLE},  # over, as the block says
        {**LEFT, "reading": Reading(4, 3, "alchemy-1: no", ago(hours=1))},  # one range is still being read
        {**LEFT, "reading": Reading(4, 0, None, ago(minutes=5)), "has_reader": False},  # a scan just opened
        # a restart takes both loops away
        {**LEFT, "reading": Reading(4, 0, None, ago(hours=1)), "has_worker": False, "has_reader": False},
        {**LEFT, "reading": Reading(4, 0, None, ago(hours=1))},  # read, slowly
    ],
)
def test_no_alarm_is_false(given: dict[str, Any]) -> None:
    assert find_stall(standing(**given), AFTER) is None


def test_a_slow_chain_gets_the_time_of_twenty_blocks() -> None:
    """Ethereum has a block every 12 seconds: a minute without one is nothing, whatever STALLED_AFTER says."""
    assert find_stall(standing(processed_at=ago(minutes=3.9)), timedelta(minutes=1)) is None
    assert find_stall(standing(processed_at=ago(minutes=4.1)), timedelta(minutes=1)) is not None
    assert find_stall(standing("unheard_of", processed_at=ago(minutes=1.1)), timedelta(minutes=1)) is not None


def health(chain: Chain) -> ChainHealth:
    return check_health([chain], AFTER)[str(chain.slug)]


@pytest.fixture
def old(chain: Chain, connection: Connection) -> Connection:
    """Its last block was processed 11 minutes ago, and it was the head's."""
    start(connection)
    note_head(connection, 100)
    connection.execute(
        "UPDATE settings SET updated_at = now() - interval '11 minutes' WHERE key = 'latest_block_processed'"
    )
    return connection


def test_who_is_at_work_is_seen_by_the_locks(chain: Chain, old: Connection) -> None:
    assert health(chain).status == "unhealthy"
    with connect(chain) as worker:
        assert take_lock(worker, chain)
        assert health(chain).status == "degraded"
        assert sum_up([health(chain)]) == "degraded"
    old.execute("UPDATE settings SET updated_at = now() WHERE key = 'latest_block_processed'")
    assert health(chain).status == "healthy"


@pytest.mark.slow
def test_a_worker_without_answers_says_so_until_it_gets_some(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its start on, before it is at the head, and later; its clock takes a minute for every look."""
    world.import_list({A: "Transfer"})
    proxy = Proxy(world.evm.url)
    monkeypatch.setenv("RPC_URLS_HILLTOP", proxy.url)
    worker = Worker(world.chain, Meter([LATEST]), only=LATEST)
    worker.trouble = Noted(clock=count(step=AGAIN).__next__)
    at_work = Thread(target=worker.run, daemon=True)

    def words() -> str | None:
        row = world.connection.execute("SELECT value ->> 'words' FROM settings WHERE key = 'trouble'").fetchone()
        return row[0] if row else None

    def refuse(call: dict[str, Any]) -> Answer:
        return refusing(-32000, "not today", status=200)

    proxy.rules.append(refuse)
    try:
        at_work.start()
        for _ in range(2):
            wait_until(lambda: "not today" in (words() or ""))
            proxy.rules.clear()
            wait_until(lambda: words() is None)
            proxy.rules.append(refuse)
    finally:
        worker.stop.set()
        at_work.join(30)
        proxy.stop()
    assert worker.failed is None


def test_a_past_that_nobody_reads_is_seen_by_the_locks(chain: Chain, old: Connection) -> None:
    old.execute("UPDATE settings SET updated_at = now() WHERE key = 'latest_block_processed'")
    old.execute("INSERT INTO scans (created_at) VALUES (now() - interval '1 hour')")
    old.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
        " SELECT id, 1, 50, 1, 0, 0 FROM scans"
    )
    with connect(chain) as worker, connect(chain) as helper:
        assert take_lock(worker, chain)
        assert "nobody reads them" in str(health(chain).why)
        for loop in (worker, helper):
            share_lock(loop, chain)
        assert health(chain).status == "healthy"
        old.execute("UPDATE segments SET attempts = 8, error = 'archive-1: pruned'")
        assert "refused 8 times or more: archive-1: pruned" in str(health(chain).why)


def test_trouble_is_written_when_it_lasts_and_forgotten_when_it_is_over(chain: Chain, old: Connection) -> None:
    now = 1000.0
    trouble = Noted(clock=lambda: now)
    written = "SELECT value ->> 'words', updated_at FROM settings WHERE key = 'trouble' AND value <> 'null'"

    def row() -> Any:
        return old.execute(written).fetchone()

    trouble.end(old)
    assert row() is None
    assert not trouble.is_worth_saying()
    now += WORTH_SAYING
    assert trouble.is_worth_saying()
    trouble.say(old, "local-1:\0refused")
    first = row()
    assert first[0] == "local-1: refused"
    assert "no endpoint has answered as it should since" in str(health(chain).why)
    assert "local-1: refused" in str(health(chain).why)
    assert not trouble.is_worth_saying()
    now += AGAIN
    assert trouble.is_worth_saying()
    trouble.say(old, "local-1: refused again")
    assert row()[1] > first[1]
    trouble.end(old)
    assert row() is None
    assert health(chain).status == "unhealthy", "no worker holds the lock in this test"
    # A worker that comes after one that has left its trouble there forgets it, too.
    trouble.began = now
    trouble.say(old, "left behind")
    Noted().end(old)
    assert row() is None
