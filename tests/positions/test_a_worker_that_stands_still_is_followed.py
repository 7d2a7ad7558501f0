"""A worker that is paused, or whose host is gone without a word, loses its chain to the standby within ten seconds; one
that wakes finds that out and stores nothing of what it had in hand."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from django.db import connections
from psycopg.conninfo import make_conninfo

from indexer.chains.connections import connect
from indexer.positions import holding
from indexer.positions.holding import end_with_lease, ended_when_silent
from tests.positions.proxy import Proxy, delaying
from tests.positions.world import A, B, C, World, grow
from tests.processes import ChainWorker, backends, database_url, wait_until, waiting_backends

WITHIN = 10.0
PAUSED = "this process stood still for"

Start = Callable[..., ChainWorker]


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Start]:
    """Starts workers of the chain; none outlives the test."""
    started: list[ChainWorker] = []

    def start(*options: str, url: str = world.evm.url, database: str | None = None) -> ChainWorker:
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(ChainWorker("hilltop", *options, url=url, log=log, database=database))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def at_head(world: World) -> bool:
    return bool(world.setting("latest_block_processed") == world.evm.head())


def pause(worker: ChainWorker) -> None:
    worker.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, worker.process.pid, os.WSTOPPED | os.WNOWAIT)


def wake(worker: ChainWorker) -> None:
    worker.process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_paused_worker_is_followed_and_stands_by_when_it_wakes(world: World, start: Start) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    first = start()
    wait_until(lambda: at_head(world))
    second = start()
    second.wait_until_it_says("standing by")

    # In the midst of a commit, where it holds the cursor's row: it waits for the table, then stands still.
    with connect(world.chain) as holder, holder.transaction():
        holder.execute("LOCK TABLE blocks IN EXCLUSIVE MODE")
        grow(world.evm, 2)
        wait_until(lambda: len(waiting_backends(world.connection, "hilltop")) == 1)
        pause(first)
    paused = time.monotonic()
    second.wait_until_it_says("took over", WITHIN)
    wait_until(lambda: at_head(world), WITHIN - (time.monotonic() - paused), lambda: second.said)
    world.evm.reorg(3)
    grow(world.evm, 4)
    wait_until(lambda: at_head(world))

    wake(first)
    first.wait_until_it_says("standing by")
    first.wait_until_it_says(PAUSED)
    world.settle()
    world.check_truth()

    # And back, as between any two.
    assert second.terminate() == 0
    first.wait_until_it_says("took over", WITHIN)
    grow(world.evm, 2)
    wait_until(lambda: at_head(world))
    assert first.terminate() == 0
    assert (first.said.count(PAUSED), second.said.count(PAUSED)) == (1, 0)
    assert "Traceback" not in first.said + second.said
    world.settle()
    world.check_truth()


@pytest.mark.slow
def test_a_helper_paused_past_its_lease_stores_nothing_when_it_wakes(world: World, start: Start) -> None:
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    proxy = Proxy(world.evm.url)
    hold, asked, answer = delaying("eth_getLogs")
    proxy.rules.append(hold)
    first = start("--only", "historic", url=proxy.url)
    assert asked.wait(30)
    pause(first)
    answer.set()
    # Nobody can wait half a minute for the lease in every test: this is what the others see after that time.
    held = world.connection.execute("UPDATE segments SET lease_until = now() WHERE owner IS NOT NULL RETURNING owner")
    owners = {owner for (owner,) in held.fetchall()}
    assert len(owners) == 1
    world.evm.reorg(2)
    grow(world.evm, 3)
    assert start("--only", "historic", "--until-synced").wait() == 0
    before = world.rows()
    wake(first)
    # It has come to a commit, and to the next segment, of which there is none.
    wait_until(lambda: not world.connection.execute("SELECT 1 FROM segments WHERE owner IS NOT NULL").fetchone())
    assert first.terminate() == 0
    assert world.rows() == before
    proxy.stop()
    world.settle()
    world.check_truth()


class Swallower:
    """A way to PostgreSQL that can be cut without a word: both ends stay open, and nothing passes any more."""

    def __init__(self) -> None:
        self.cut = Event()
        self.ends: list[socket.socket] = []
        self.entry = socket.socket()
        self.entry.bind(("127.0.0.1", 0))
        self.entry.listen(16)
        Thread(target=self.accept, daemon=True).start()

    @property
    def url(self) -> str:
        host, port = self.entry.getsockname()
        return make_conninfo(database_url(), host=host, port=port, sslmode="disable")

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.entry.accept()
                server = reach_server()
                self.ends += [client, server]
                for one, other in ((client, server), (server, client)):
                    Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    def pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while (some := one.recv(65536)) and not self.cut.is_set():
                other.sendall(some)
            if not self.cut.is_set():
                other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for end in (self.entry, *self.ends):
            # A bare close is no word to the other side while a thread still listens.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def reach_server() -> socket.socket:
    given = connections["default"].get_connection_params()
    host, port = str(given.get("host") or "localhost"), int(given.get("port") or 5432)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


@pytest.mark.slow
def test_a_worker_whose_host_is_gone_without_a_word_is_followed(world: World, start: Start) -> None:
    world.import_list({A: "Transfer"})
    way = Swallower()
    try:
        first = start(database=way.url)
        wait_until(lambda: at_head(world), what=lambda: first.said)
        second = start()
        second.wait_until_it_says("standing by")
        way.cut.set()
        first.kill()
        # The server has been told nothing.
        assert len(backends(world.connection, "hilltop")) == 4
        second.wait_until_it_says("took over", WITHIN)
        grow(world.evm, 2)
        wait_until(lambda: at_head(world))
        assert second.terminate() == 0
    finally:
        way.close()
    world.settle()
    world.check_truth()


def test_a_busy_session_and_one_that_shows_that_it_lives_are_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "BEAT", 0.1)
    monkeypatch.setattr(holding, "SILENCE", 0.4)
    with connect(world.chain) as connection:
        with ended_when_silent(connection, "hilltop"):
            connection.execute("SELECT pg_sleep(0.6)")
            Event().wait(0.6)
            with connection.transaction():
                connection.execute("SELECT 1")
                Event().wait(0.6)
                # The beats neither end the transaction nor take part in what it sees.
                assert connection.execute("SELECT now() < clock_timestamp() - interval '0.6 s'").fetchone() == (True,)
            with suppress(psycopg.errors.UndefinedTable), connection.transaction():
                connection.execute("SELECT 1 FROM nowhere")
            assert connection.execute("SELECT 42").fetchone() == (42,)
        # Without beats it ends.
        Event().wait(0.6)
        with pytest.raises(psycopg.errors.IdleSessionTimeout):
            connection.execute("SELECT 1")


def test_a_helper_that_stands_still_in_a_commit_holds_nobody_up_for_longer_than_a_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "LEASE", timedelta(seconds=0.3))
    with connect(world.chain) as helper:
        end_with_lease(helper)
        with suppress(psycopg.Error), helper.transaction():
            # As every historic commit begins: an undo has to wait for its end.
            helper.execute("SELECT 1 FROM settings WHERE key = 'rewind' FOR SHARE")
            began = time.monotonic()
            world.connection.execute("SELECT 1 FROM settings WHERE key = 'rewind' FOR UPDATE")
            assert 0.2 < time.monotonic() - began < 5
        with pytest.raises(psycopg.OperationalError):
            helper.execute("SELECT 1")


def test_the_beats_stay_out_of_the_way_of_the_callers_statements(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "BEAT", 0.0)
    with connect(world.chain) as connection, ended_when_silent(connection, "hilltop"):
        connection.execute("CREATE TEMPORARY TABLE copied (number int)")
        for number in range(100):
            with connection.transaction(), connection.cursor() as cur:
                assert cur.execute("SELECT %s::int", [number]).fetchone() == (number,)
                with cur.copy("COPY copied FROM STDIN") as copy:
                    copy.write_row([number])
        assert connection.execute("SELECT count(*) FROM copied").fetchone() == (100,)
