"""What a loop counts: nothing lost between threads, and shown as Prometheus wants it."""

from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from indexer.positions.exposition import show_meter
from indexer.positions.meter import BOUNDS, COUNTS, HISTORIC, LATEST, REORGS, WORKING, Meter
from indexer.positions.watch import Matches, Unreadable
from tests.metrics import Samples, parse, total, value


def show(meter: Meter) -> Samples:
    class Shown(Collector):
        def collect(self) -> list[object]:  # type: ignore[override]
            return list(show_meter("hilltop", meter))

    registry = CollectorRegistry()
    registry.register(Shown())
    return parse(generate_latest(registry).decode())


def test_what_has_not_happened_yet_is_shown_as_none_at_all() -> None:
    """Otherwise the first deep reorg would be no increase."""
    samples = show(Meter())
    assert value(samples, "footprint_reorgs_undone_total", chain="hilltop", deep="yes") == 0
    begun = [counted for counted in COUNTS if counted.begins]
    assert all(any(name == f"footprint_{counted.name}_total" for name, _ in samples) for counted in begun)


def test_requests_fall_into_classes_by_their_seconds() -> None:
    meter = Meter()
    for seconds in (0.001, 0.005, 0.006, 31.0):
        meter.note_request("local-1", "eth_getLogs", seconds, "Transport" if seconds > 30 else None)
    samples = show(meter)
    name = "footprint_rpc_request_duration_seconds"
    up_to = {bound: total(samples, f"{name}_bucket", le=str(bound)) for bound in BOUNDS}
    assert (up_to[0.005], up_to[0.01], up_to[30.0]) == (2, 3, 3)
    assert total(samples, f"{name}_bucket", le="+Inf") == total(samples, f"{name}_count") == 4
    assert total(samples, f"{name}_sum") == 31.012
    assert total(samples, "footprint_rpc_requests_total", method="eth_getLogs") == 4
    assert total(samples, "footprint_rpc_errors_total", error="Transport") == 1


def test_logs_are_counted_by_loop() -> None:
    meter = Meter()
    meter.note_logs(HISTORIC, 10, Matches([], [Unreadable(1, 1, 3, "rubbish"), Unreadable(2, 1, 1, "rubbish")], 7))
    meter.note_commit(LATEST, 2, 5)
    samples = show(meter)
    for name, number in (("seen", 10), ("matched", 7), ("unreadable", 4)):
        assert value(samples, f"footprint_logs_{name}_total", chain="hilltop", loop="historic") == number
        assert value(samples, f"footprint_logs_{name}_total", chain="hilltop", loop="latest") == 0
    assert value(samples, "footprint_blocks_processed_total", chain="hilltop", loop="latest") == 2
    assert value(samples, "footprint_log_rows_stored_total", chain="hilltop", loop="latest") == 5


def test_a_loop_is_in_one_state() -> None:
    meter = Meter([LATEST])
    meter.note_state(LATEST, WORKING)
    states = {labels: number for (name, labels), number in show(meter).items() if name == "footprint_loop_state"}
    assert len(states) == 4
    assert [dict(labels)["state"] for labels, number in states.items() if number] == ["working"]


def test_threads_lose_no_count() -> None:
    meter = Meter()

    def count(_: int) -> None:
        for _ in range(2_000):
            meter.add(REORGS, "no")
            meter.note_request("local-1", "eth_getLogs", 0.1, None)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    samples = show(meter)
    assert value(samples, "footprint_reorgs_undone_total", chain="hilltop", deep="no") == 8_000
    assert total(samples, "footprint_rpc_requests_total") == 8_000
