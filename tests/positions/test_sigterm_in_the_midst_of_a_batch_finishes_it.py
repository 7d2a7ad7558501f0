"""SIGTERM while a batch is read or stored: it is stored whole, and the worker leaves with nothing in hand."""

from pathlib import Path

import pytest

from indexer.chains.connections import connect
from tests.positions.proxy import Proxy, delaying
from tests.positions.world import A, B, C, World, grow
from tests.processes import ChainWorker, wait_until, waiting_backends

TOLD = "told to stop; finishing the batch in hand"


def check_left(world: World, worker: ChainWorker) -> None:
    assert worker.wait() == 0, worker.said
    assert worker.said.rstrip().endswith("has left in good order")
    assert not world.connection.execute("SELECT 1 FROM segments WHERE owner IS NOT NULL").fetchall()
    world.check_claims()


@pytest.mark.slow
def test_what_is_being_stored_is_stored(world: World, tmp_path: Path) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log") as worker:
        wait_until(lambda: bool(world.setting("coverage")["complete"]))
        wait_until(lambda: world.setting("latest_block_processed") == world.evm.head())
        before = world.evm.head()
        with connect(world.chain) as holder, holder.transaction():
            holder.execute("LOCK TABLE blocks IN EXCLUSIVE MODE")
            grow(world.evm, 3)
            wait_until(lambda: bool(waiting_backends(world.connection, "hilltop")))
            seen = world.evm.head()
            grow(world.evm, 3)
            worker.process.terminate()
            worker.wait_until_it_says(TOLD)
            assert world.setting("latest_block_processed") == before
        check_left(world, worker)
    # What was in hand, one of these blocks or all, and none that came later.
    assert before < world.setting("latest_block_processed") <= seen
    world.settle()
    world.check_truth()


@pytest.mark.slow
def test_what_is_being_read_is_waited_for_and_stored(world: World, tmp_path: Path) -> None:
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer"})
    loop = world.latest()
    while loop.step():
        pass
    proxy = Proxy(world.evm.url)
    hold, asked, answer = delaying("eth_getLogs")
    proxy.rules.append(hold)
    moved = "SELECT max(cursor - from_block) FROM segments"
    with ChainWorker("hilltop", "--only", "historic", url=proxy.url, log=tmp_path / "worker.log") as worker:
        assert asked.wait(30)
        worker.process.terminate()
        worker.wait_until_it_says(TOLD)
        assert world.connection.execute(moved).fetchone() == (0,)
        answer.set()
        check_left(world, worker)
    proxy.stop()
    assert world.connection.execute(moved).fetchone() > (0,)  # type: ignore[operator]
    world.settle()
    world.check_truth()
