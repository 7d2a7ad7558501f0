"""A WebSocket that announces new blocks wakes the latest loop; without it, or with one that fails, nothing is lost."""

import logging
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from indexer.chains.endpoints import EndpointsError, announcers_of
from indexer.positions.meter import Meter
from indexer.positions.newheads import NewHeads
from indexer.positions.worker import Worker
from tests.positions.world import A, World, grow
from tests.processes import wait_until

NOBODY_THERE = "ws://127.0.0.1:9"
"""The discard port, on which nobody listens."""

Run = Callable[[str], Worker]


class Unhurried(Worker):
    pause_between = 60.0


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a worker that by itself would look for a new block once a minute; the URL announces."""
    running: list[tuple[Worker, Thread]] = []

    def run(url: str) -> Worker:
        monkeypatch.setenv("RPC_URLS_HILLTOP", world.evm.url)
        monkeypatch.setenv("WS_URLS_HILLTOP", url)
        worker = Unhurried(world.chain, Meter(), only="latest")
        thread = Thread(target=worker.run)
        running.append((worker, thread))
        thread.start()
        return worker

    yield run
    for worker, thread in running:
        worker.stop.set()
        worker.woken.set()
        thread.join(20)
        assert not thread.is_alive()


def is_at_head(world: World) -> bool:
    return bool(world.setting("latest_block_processed") == world.evm.head())


def test_a_block_is_read_as_soon_as_it_is_announced(world: World, run: Run) -> None:
    world.import_list({A: "Transfer"})
    run(world.evm.url.replace("http://", "ws://"))
    wait_until(lambda: is_at_head(world))
    for _ in range(3):
        grow(world.evm, 1)
        wait_until(lambda: is_at_head(world), within=15)


def test_where_nobody_announces_the_loop_goes_at_its_own_pace(world: World, run: Run) -> None:
    worker = run(f"{NOBODY_THERE}/key")
    wait_until(lambda: is_at_head(world))
    grow(world.evm, 1)
    worker.woken.set()
    wait_until(lambda: is_at_head(world))


def test_a_url_that_fails_is_named_by_its_label_only(caplog: pytest.LogCaptureFixture) -> None:
    stop, woken = Event(), Event()
    heads = NewHeads(f"{NOBODY_THERE}/a-very-secret-key", 1, stop, woken.set)
    with caplog.at_level(logging.DEBUG):
        thread = Thread(target=heads.listen)
        thread.start()
        wait_until(lambda: "local-1: no announcements" in caplog.text)
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert not woken.is_set()
    assert "secret" not in caplog.text


def test_what_is_no_websocket_url_is_refused_without_being_shown() -> None:
    assert announcers_of("hilltop", {}) == []
    with pytest.raises(EndpointsError, match="WS_URLS_HILLTOP has what is no WebSocket URL") as caught:
        announcers_of("hilltop", {"WS_URLS_HILLTOP": "wss://a,https://host/secret"})
    assert "secret" not in str(caught.value)
