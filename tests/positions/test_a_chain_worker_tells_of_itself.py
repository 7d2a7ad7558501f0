"""A chain's worker in the table of workers: what it does and waits for, and that it rests while its flag is off."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indexer.positions.holding import take_lock
from indexer.workers.live_changes import set_value
from indexer.workers.states import State
from tests.positions.world import A, World
from tests.processes import PATIENCE, ChainWorker

NAME = "worker-hilltop"
IN_TIME = 5.0
"""Seconds in which a flag is to be obeyed."""


def row(world: World) -> dict[str, Any] | None:
    with world.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute("SELECT * FROM public.workers WHERE name = %s", [NAME]).fetchone()


def wait_until(holds: Callable[[], bool], within: float = PATIENCE) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def says(world: World, state: State, words: str = "") -> bool:
    found = row(world)
    return found is not None and found["said"] == state and words in found["why"]


@pytest.fixture(autouse=True)
def nobody(world: World) -> None:
    """No worker is known yet."""
    world.connection.execute("DELETE FROM public.workers")


@pytest.fixture
def worker(world: World, tmp_path: Path) -> ChainWorker:
    world.import_list({A: "Transfer"})
    return ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log")


def test_it_is_healthy_counts_and_leaves(world: World, worker: ChainWorker) -> None:
    with worker:
        assert wait_until(lambda: says(world, State.HEALTHY)), worker.log.read_text()
        assert wait_until(lambda: (row(world) or {})["items"] > 0)
        found = row(world)
        assert found is not None
        assert (found["kind"], found["pid"], found["hung_after"]) == ("chain", worker.process.pid, 300)
        assert found["memory"] > 20_000_000
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(PATIENCE) == 0
    assert says(world, State.STOPPED)


def test_its_flag_lets_it_rest_and_another_take_over(world: World, worker: ChainWorker) -> None:
    with worker:
        assert wait_until(lambda: says(world, State.HEALTHY)), worker.log.read_text()
        assert not take_lock(world.connection, world.chain)
        set_value(f"worker.{NAME}", False, actor="anna", why="the node is moved")
        assert wait_until(lambda: says(world, State.STOPPED_BY_FLAG, "anna"), IN_TIME)
        assert wait_until(lambda: take_lock(world.connection, world.chain))
        # While it rests it writes nothing, whatever happens on the chain.
        before = world.setting("latest_block_processed")
        world.evm.mine(2)
        time.sleep(1)
        assert world.setting("latest_block_processed") == before
        world.connection.execute("SELECT pg_advisory_unlock_all()")
        set_value(f"worker.{NAME}", True, actor="anna", why="")
        assert wait_until(lambda: says(world, State.HEALTHY), 2 * IN_TIME)
        assert wait_until(lambda: world.setting("latest_block_processed") > before)
        assert worker.process.poll() is None


def test_what_is_missing_stays_to_be_read(world: World, tmp_path: Path) -> None:
    with ChainWorker("hilltop", url="", log=tmp_path / "worker.log") as worker:
        assert worker.process.wait(PATIENCE) == 78
    assert says(world, State.MISCONFIGURED, "RPC_URLS_HILLTOP")


def test_a_standby_says_so(world: World, worker: ChainWorker) -> None:
    with worker:
        assert wait_until(lambda: says(world, State.HEALTHY)), worker.log.read_text()
    world.connection.execute("DELETE FROM public.workers")
    assert wait_until(lambda: take_lock(world.connection, world.chain))
    with ChainWorker("hilltop", url=world.evm.url, log=worker.log) as second:
        assert wait_until(lambda: says(world, State.HEALTHY, "standing by")), second.log.read_text()


def test_a_live_setting_reaches_the_historic_loop(world: World, worker: ChainWorker) -> None:
    with worker:
        assert wait_until(lambda: says(world, State.HEALTHY)), worker.log.read_text()
        set_value("chain.in_flight", 2, actor="anna", why="")
        threads = Path(f"/proc/{worker.process.pid}/task")
        world.import_list({b"\x42" * 20: "Transfer"})
        assert wait_until(
            lambda: (
                sum((thread / "comm").read_text().startswith("hilltop-histori") for thread in threads.iterdir()) <= 3
            )
        )
        assert worker.process.poll() is None
