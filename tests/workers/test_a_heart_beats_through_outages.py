"""The heart: what it stores, its lines, and a database that comes and goes under it."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker

from indexer.chains.connections import Connection
from indexer.embedded.postgres import EmbeddedPostgres
from indexer.workers import lines
from indexer.workers.heart import Heart
from indexer.workers.lines import LineBuffer, store_lines
from indexer.workers.live import LiveSetting, declare
from indexer.workers.live_changes import set_value
from indexer.workers.live_values import LiveValues
from indexer.workers.states import State
from tests.positions.own_server import NAME, own_server
from tests.processes import database_url, wait_until
from tests.workers.background_process import BackgroundProcess, clear_workers

SOON = 5.0
PACE = declare(LiveSetting("hearttest.pace", 1.0, "of a test"))


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Connection]:
    with django_db_blocker.unblock(), psycopg.connect(database_url(), autocommit=True) as connection:
        clear_workers()
        yield connection
        clear_workers()


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[EmbeddedPostgres]:
    with own_server() as server:
        yield server


@pytest.fixture
def heart(database: Connection) -> Iterator[Heart]:
    heart = Heart("probe", "chain", LiveValues(), every=60)
    yield heart
    heart.close()


def ask(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_a_beat_stores_what_was_told_and_leaves_what_others_write(heart: Heart, database: Connection) -> None:
    heart.start()
    assert heart.beat_now()
    database.execute("UPDATE workers SET seen = 'alive', restarts = 3, needs_person = 'look' WHERE name = 'probe'")
    heart.say(State.HEALTHY)
    heart.note_run(2.0, 5)
    heart.note_run(4.0, failed=True)
    heart.note_lag(7)
    assert heart.beat_now()
    (row,) = ask(database, "SELECT said, runs, failures, items, error_rate, latency, lag FROM workers")
    assert row == ("healthy", 2, 1, 5, 0.5, 3.0, 7.0)
    assert ask(database, "SELECT seen, restarts, needs_person FROM workers") == [("alive", 3, "look")]


def test_what_is_said_is_stored_at_once_and_the_last_words_too(heart: Heart, database: Connection) -> None:
    heart.start()
    heart.say(State.HEALTHY)
    wait_until(lambda: ask(database, "SELECT said FROM workers") == [("healthy",)], SOON)
    heart.say(State.STOPPED, "told to stop")
    heart.close()
    assert ask(database, "SELECT said, why FROM workers") == [("stopped", "told to stop")]
    events = ask(database, "SELECT what, state FROM worker_events ORDER BY id")
    assert events == [("state", "starting"), ("state", "healthy"), ("state", "stopped")]


def test_text_that_postgresql_cannot_hold_stops_no_beat(heart: Heart, database: Connection) -> None:
    heart.start()
    logging.getLogger("probe").warning("post %s\0", "\ud83d")
    heart.say(State.HEALTHY, "post \ud83d\0")
    assert heart.beat_now()
    assert ask(database, "SELECT why FROM workers") == [("post ? ",)]
    assert ("post ? ",) in ask(database, "SELECT text FROM worker_lines")


def test_a_change_is_seen_at_once_in_a_heart_that_listens(heart: Heart) -> None:
    heart.start()
    assert heart.has_read.wait(SOON)
    set_value(PACE.name, 2.0, actor="anna")
    # Its own next look would be a minute later.
    wait_until(lambda: heart.live.number(PACE) == 2.0, SOON)


def test_what_an_on_change_raises_is_tried_again(database: Connection) -> None:
    calls = []

    def look(connection: Connection) -> None:
        calls.append(connection)
        if len(calls) == 1:
            raise ValueError("not yet")

    heart = Heart("probe", "chain", LiveValues(), every=0.1, on_change=look)
    heart.start()
    assert heart.has_read.wait(SOON)
    heart.close()
    assert len(calls) == 2


def test_secrets_are_in_neither_words_nor_lines(heart: Heart, database: Connection) -> None:
    heart.start()
    heart.say(State.HEALTHY, "failed at https://anna:hush-hush-1@host/")
    logging.getLogger("indexer.probe").error("failed at https://anna:hush-hush-1@host/")
    assert heart.beat_now()
    stored = ask(database, "SELECT why FROM workers UNION ALL SELECT text FROM worker_lines")
    assert [text for (text,) in stored] == ["failed at https://***@host/"] * 2


def test_the_newest_lines_are_kept(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "KEPT", 5)
    buffer = LineBuffer()
    for number in range(450):
        buffer.handle(logging.LogRecord("probe", logging.INFO, "", 0, "line %d", (number,), None))
    sizes = []
    while taken := buffer.take():
        sizes.append(len(taken))
        store_lines(database, "probe", taken, time.monotonic())
        store_lines(database, "other", taken[:1], time.monotonic())
        buffer.forget(taken)
    assert sizes == [200, 200, 50]
    kept = ask(database, "SELECT text FROM worker_lines WHERE worker = 'probe' ORDER BY id")
    assert [text for (text,) in kept] == [f"line {number}" for number in range(445, 450)]
    assert ask(database, "SELECT count(*) FROM worker_lines WHERE worker = 'other'") == [(3,)]


def test_lines_that_are_lost_are_counted() -> None:
    buffer = LineBuffer()
    for number in range(lines.WAITING + 70):
        buffer.handle(logging.LogRecord("probe", logging.INFO, "", 0, "line %d", (number,), None))
    taken = buffer.take()
    assert taken[0].text == "70 lines before this one are lost: the database was away for too long"
    assert taken[1].text == "line 70"
    buffer.forget(taken)
    assert buffer.take()[0].text == f"line {70 + lines.AT_ONCE}"


def test_debug_lines_stay_where_they_are() -> None:
    buffer = LineBuffer()
    logger = logging.getLogger("probe.debug")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(buffer)
    logger.debug("SELECT 1")
    logger.info("said")
    assert [line.text for line in buffer.take()] == ["said"]


@pytest.mark.slow
def test_a_worker_waits_for_its_database_and_works_through_a_restart(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = server.dsn(NAME)
    server.start()
    clear_workers(url)
    server.stop()
    with BackgroundProcess("steady", log=tmp_path / "worker.log", database=url) as worker:
        worker.wait_until_it_says("the database is away, trying again")
        server.start()
        worker.wait_for_state("healthy", 15)

        runs = worker.said.count("a run of 0 s begins")
        server.stop()
        worker.wait_until_it_says("no heartbeat can be stored, trying again")
        # Its work needs no database, and goes on.
        worker.wait_until_it_says("a run of 0 s begins", times=runs + 10)
        server.start()
        worker.wait_until_it_says("its heartbeats are stored again", 15)
        wait_until(lambda: worker.row()["runs"] >= runs + 10, SOON)
        assert worker.row()["silence"].total_seconds() < SOON
        # What it said meanwhile is not lost.
        stored = [line for line in worker.lines() if line == "a run of 0 s begins"]
        assert len(stored) >= runs + 10
        assert worker.terminate(SOON) == 0
    assert [state for state, _ in worker.states()] == ["starting", "healthy", "stopped"]
    assert "Traceback" not in worker.said


@pytest.mark.slow
def test_a_worker_leaves_while_its_database_is_away(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = server.dsn(NAME)
    server.stop()
    with BackgroundProcess("steady", log=tmp_path / "early.log", database=url) as early:
        early.wait_until_it_says("the database is away, trying again")
        assert early.terminate(10) == 0
        assert "told to stop before it began" in early.said
    server.start()
    with BackgroundProcess("steady", log=tmp_path / "late.log", database=url) as late:
        late.wait_for_state("healthy")
        server.stop()
        late.wait_until_it_says("no heartbeat can be stored, trying again")
        assert late.terminate(10) == 0
        assert late.said.rstrip().endswith("has left in good order")


@pytest.mark.slow
def test_a_database_that_nobody_may_use_is_a_misconfiguration(server: EmbeddedPostgres, tmp_path: Path) -> None:
    server.start()
    with BackgroundProcess("steady", log=tmp_path / "worker.log", database=server.dsn("nowhere")) as worker:
        assert worker.process.wait(60) == 78
    assert 'database "nowhere" does not exist' in worker.said
    assert "check DATABASE_URL" in worker.said
