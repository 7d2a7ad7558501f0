"""RPC_URLS_FILE changes while a worker runs: SIGHUP makes it ask the new endpoint, and nothing worse."""

import signal
from pathlib import Path

from tests.positions.proxy import Proxy
from tests.positions.world import A, World, grow
from tests.processes import ChainWorker, wait_until


def test_a_worker_goes_on_with_the_new_endpoint_and_keeps_the_old_one_where_that_is_none(
    world: World, tmp_path: Path
) -> None:
    def at_head() -> bool:
        return bool(world.setting("latest_block_processed") == world.evm.head())

    world.import_list({A: "Transfer"})
    old = Proxy(world.evm.url)
    file = tmp_path / "endpoints"
    file.write_text(f"# by hand\nRPC_URLS_HILLTOP={old.url}\n")
    with ChainWorker("hilltop", file=file, log=tmp_path / "worker.log") as worker:
        wait_until(at_head)

        file.write_text("RPC_URLS_HILLTOP\n")
        worker.process.send_signal(signal.SIGHUP)
        worker.wait_until_it_says("keeping the endpoints as they were")
        assert "line 1 is not of the form RPC_URLS_<CHAIN>=url,url" in worker.said
        grow(world.evm, 1)
        wait_until(at_head)

        file.write_text(f"RPC_URLS_HILLTOP={world.evm.url}\n")
        worker.process.send_signal(signal.SIGHUP)
        worker.wait_until_it_says("endpoints read again")
        old.stop()
        grow(world.evm, 2)
        wait_until(at_head)
        assert worker.terminate() == 0
    world.settle()
    world.check_truth()
