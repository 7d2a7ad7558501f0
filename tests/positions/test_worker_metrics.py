"""A worker's own /metrics: real workers beside a real node, asked while they wait, work, stand by and leave."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from indexer.chains.models import Chain
from tests.metrics import Samples, scrape, total, value
from tests.positions.proxy import Proxy
from tests.positions.world import A, B, World, grow
from tests.processes import ChainWorker, backends, manage, read_page, wait_until, web_address
from tests.rpc.scripted import refusing

KEY = "s3cr3tKeyOfMine"
SWAP = {"abi": "event Transfer(address indexed from, address indexed to, uint256 value)", "user": "to"}
Start = Callable[..., ChainWorker]


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    proxy = Proxy(world.evm.url)
    yield proxy
    proxy.stop()


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Start]:
    """Starts workers with metrics on a free port; none outlives the test."""
    started: list[ChainWorker] = []

    def start(url: str, *options: str) -> ChainWorker:
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(ChainWorker("hilltop", "--metrics-port", "0", *options, url=url, log=log))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def state(samples: Samples, loop: str) -> list[str]:
    """What the loop is said to do; one state always."""
    return [
        dict(labels)["state"]
        for (name, labels), is_on in samples.items()
        if name == "footprint_loop_state" and dict(labels)["loop"] == loop and is_on
    ]


def test_a_worker_tells_what_it_has_done(world: World, proxy: Proxy, start: Start) -> None:
    # B's logs have no data, so none of them can be read as this event; A's can.
    world.import_list({A: "Transfer", B: SWAP})
    worker = start(f"{proxy.url}/v2/{KEY}")
    wait_until(lambda: bool(world.setting("coverage")["complete"]))
    wait_until(lambda: world.setting("latest_block_processed") == world.evm.head())
    # Counted is what was committed, a moment after it was.
    stored = "footprint_log_rows_stored_total"
    wait_until(lambda: total(scrape(worker.metrics_url), stored) >= len(world.rows()))
    first = scrape(worker.metrics_url)
    chain = {"chain": "hilltop"}
    head = world.evm.head()
    assert value(first, "footprint_chain_head_block", **chain) == head
    assert value(first, "footprint_chain_processed_block", **chain) == head
    assert value(first, "footprint_chain_final_block", **chain) == world.setting("final_block")
    assert value(first, "footprint_chain_lag_blocks", **chain) == 0
    assert value(first, "footprint_chain_stalled", **chain) == 0
    assert value(first, "footprint_chain_complete", **chain) == 1
    assert value(first, "footprint_chain_historic_blocks_left", **chain) == 0
    assert value(first, "footprint_chain_historic_progress_ratio", **chain) == 1
    assert value(first, "footprint_historic_eta_seconds", **chain) == 0
    assert value(first, "footprint_database_up") == 1
    assert state(first, "latest") == state(first, "historic") == ["working"]

    touches = len(world.evm.touches(A, first=world.floor))
    unreadable = world.evm.touches(B, first=world.floor)
    # A row is written again when an earlier block is found to touch.
    assert total(first, stored) <= touches
    # The blocks above final are read once for the take-up, and a batch read meanwhile is thrown away.
    assert total(first, "footprint_logs_matched_total") >= touches + len(unreadable)
    assert total(first, "footprint_logs_seen_total") >= total(first, "footprint_logs_matched_total")
    stored_unreadable = value(first, "footprint_chain_unreadable_logs", **chain)
    assert stored_unreadable is not None
    assert 0 < stored_unreadable <= total(first, "footprint_logs_unreadable_total")
    assert value(first, "footprint_chain_jobs", chain="hilltop", status="complete") == 2
    assert total(first, "footprint_chain_jobs") == 2

    asked = value(first, "footprint_rpc_requests_total", chain="hilltop", endpoint="local-1", method="eth_getLogs")
    assert asked is not None
    assert 0 < asked <= len(proxy.asked("eth_getLogs"))
    assert total(first, "footprint_rpc_request_duration_seconds_bucket", method="eth_getLogs", le="+Inf") == asked
    assert total(first, "footprint_rpc_errors_total") == 0
    assert total(first, "process_resident_memory_bytes") > 0

    grow(world.evm, 3)
    blocks = "footprint_blocks_processed_total"
    wait_until(
        lambda: total(scrape(worker.metrics_url), blocks, loop="latest") >= total(first, blocks, loop="latest") + 3
    )
    assert value(scrape(worker.metrics_url), "footprint_chain_processed_block", **chain) == head + 3
    assert worker.terminate() == 0


def test_a_reorg_is_counted(world: World, proxy: Proxy, start: Start) -> None:
    world.import_list({A: "Transfer"})
    worker = start(proxy.url)
    wait_until(lambda: world.setting("latest_block_processed") == world.evm.head())
    before = scrape(worker.metrics_url)
    for deep in ("yes", "no"):
        assert value(before, "footprint_reorgs_undone_total", chain="hilltop", deep=deep) == 0
    for _ in range(3):
        # A quiet block would be the same on both branches.
        world.evm.emit(A, b"\x51" * 20)
        grow(world.evm, 1)
    wait_until(lambda: world.setting("latest_block_processed") == world.evm.head())
    world.evm.reorg(2)
    world.evm.mine()
    wait_until(lambda: total(scrape(worker.metrics_url), "footprint_reorg_blocks_undone_total") > 0)
    after = scrape(worker.metrics_url)
    assert value(after, "footprint_reorgs_undone_total", chain="hilltop", deep="no") == 1
    assert value(after, "footprint_reorg_blocks_undone_total", chain="hilltop") == 2
    assert value(after, "footprint_chain_reorgs_total", chain="hilltop") == 1


def test_a_worker_that_waits_for_its_node_can_be_seen_waiting(world: World, start: Start) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        worker = start(f"http://127.0.0.1:{nobody.getsockname()[1]}/{KEY}")
        worker.wait_until_it_says("no endpoint answers")
        samples = scrape(worker.metrics_url)
    assert state(samples, "latest") == state(samples, "historic") == ["waiting for node"]
    assert total(samples, "footprint_rpc_errors_total", endpoint="local-1", error="Transport") >= 2
    assert worker.terminate() == 0


def test_a_standby_says_that_it_stands_by_and_reads_the_past_all_the_same(world: World, start: Start) -> None:
    first = start(world.evm.url)
    wait_until(lambda: state(scrape(first.metrics_url), "latest") == ["working"])
    second = start(world.evm.url)
    wait_until(lambda: state(scrape(second.metrics_url), "latest") == ["standing by"])
    wait_until(lambda: state(scrape(second.metrics_url), "historic") == ["working"])
    first.kill()
    wait_until(lambda: state(scrape(second.metrics_url), "latest") == ["working"])


def test_a_helper_has_no_latest_loop_to_tell_of(world: World, start: Start) -> None:
    helper = start(world.evm.url, "--only", "historic")
    wait_until(lambda: state(scrape(helper.metrics_url), "historic") == ["working"])
    assert state(scrape(helper.metrics_url), "latest") == []


def test_a_node_that_fails_is_counted_by_class_of_error(world: World, proxy: Proxy, start: Start) -> None:
    world.import_list({A: "Transfer"})
    worker = start(proxy.url)
    wait_until(lambda: world.setting("latest_block_processed") == world.evm.head())
    proxy.rules.append(lambda call: refusing(-32000, "something nobody knows", status=200))
    wait_until(lambda: state(scrape(worker.metrics_url), "latest") == ["waiting for node"])
    samples = scrape(worker.metrics_url)
    assert total(samples, "footprint_rpc_errors_total", method="eth_getBlockByNumber", error="Refused") > 0
    assert total(samples, "footprint_loop_errors_total", loop="latest", error="Refused") > 0
    proxy.rules.clear()
    wait_until(lambda: state(scrape(worker.metrics_url), "latest") == ["working"])


def test_a_lost_database_is_counted_and_metrics_go_on(world: World, start: Start) -> None:
    worker = start(world.evm.url)
    wait_until(lambda: state(scrape(worker.metrics_url), "latest") == ["working"])
    assert len(backends(world.connection, "hilltop")) == 2
    of_the_worker = "FROM pg_stat_activity WHERE application_name LIKE 'footprint hilltop%'"
    # The server may still be busy letting go of a worker that a test before has killed.
    wait_until(lambda: len(world.connection.execute(f"SELECT pid {of_the_worker}").fetchall()) == 3)
    world.connection.execute(f"SELECT pg_terminate_backend(pid) {of_the_worker}")
    reconnects = "footprint_database_reconnects_total"
    wait_until(lambda: total(scrape(worker.metrics_url), reconnects) == 2)
    wait_until(lambda: state(scrape(worker.metrics_url), "latest") == ["working"])
    assert total(scrape(worker.metrics_url), "footprint_database_up") == 1


def test_a_worker_counts_for_itself_in_the_web_servers_environment(
    world: World, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it counted would otherwise be added to what the web server shows."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    world.import_list({A: "Transfer"})
    worker = start(world.evm.url)
    wait_until(lambda: bool(world.setting("coverage")["complete"]))
    assert total(scrape(worker.metrics_url), "footprint_logs_seen_total") > 0
    assert not [file for file in tmp_path.glob("*.db") if b"footprint_" in file.read_bytes()]


def test_metrics_stop_with_their_worker(world: World, start: Start) -> None:
    worker = start(world.evm.url, "--until-synced")
    address = worker.metrics_url
    assert worker.wait() == 0
    with pytest.raises(URLError):
        read_page(address)


def test_no_url_is_ever_in_the_metrics(world: World, proxy: Proxy, start: Start, tmp_path: Path) -> None:
    address = f"{proxy.url}/v2/{KEY}?token={KEY}"
    world.import_list({A: "Transfer"})
    worker = start(address.replace("http://", f"http://user:{KEY}@"))
    wait_until(lambda: world.setting("latest_block_processed") == world.evm.head())
    proxy.rules.append(lambda call: refusing(-32000, f"no access for {address}", status=403))
    wait_until(lambda: total(scrape(worker.metrics_url), "footprint_rpc_errors_total") > 0)
    text = read_page(worker.metrics_url)
    assert 'endpoint="local-1"' in text
    # A web server may have the same environment.
    with web_address(tmp_path / "web.log", environ={"RPC_URLS_HILLTOP": address}) as web:
        text += read_page(f"{web}/metrics") + read_page(f"{web}/health/ready")
    for secret in (KEY, proxy.url, proxy.url.removeprefix("http://"), "127.0.0.1"):
        assert secret not in text


def test_a_port_that_is_taken_now_has_a_remedy_and_may_be_free_the_next_time(chain: Chain) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = manage("run_chain_worker", "hilltop", "--metrics-port", port, urls={"hilltop": "http://127.0.0.1:9"})
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert f"port {port} of 127.0.0.1: Address already in use; give another --metrics-port" in line


def test_what_is_no_port_is_refused(chain: Chain) -> None:
    done = manage("run_chain_worker", "hilltop", "--metrics-port", "65536")
    assert done.returncode != 0
    assert "'65536' is not a port: a number up to 65535 is" in done.stderr
