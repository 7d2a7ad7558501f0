"""A change of a live setting reaches every process within five seconds, and none is passed over."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection as django_connection
from django.db import connections, transaction

from indexer.chains.connections import Connection, open_beside
from indexer.chains.models import Chain
from indexer.workers.live import LAG, MAINTENANCE, find
from indexer.workers.live_changes import Outcome, reset, set_value
from indexer.workers.live_values import CHANNEL, LiveValues, WebValues
from indexer.workers.models import LiveChange
from tests.processes import PROJECT, environment, wait_until

IN_TIME = 5.0
# What a worker does between its runs, without LISTEN.
POLLING = """
import time
import django
django.setup()
from indexer.chains.connections import open_beside
from indexer.workers.live_values import POLL, LiveValues
values = LiveValues()
with open_beside(application_name="test") as connection:
    while True:
        if values.poll(connection):
            print("on" if values.flag("prices") else "off", flush=True)
        time.sleep(POLL)
"""


@pytest.fixture
def beside(chains: list[Chain]) -> Iterator[Connection]:
    with open_beside(application_name="test") as connection:
        yield connection


@contextmanager
def polling() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", POLLING], cwd=PROJECT, env=environment({}), text=True, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said_by(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_another_process_has_a_change_within_five_seconds_without_being_told(chains: list[Chain]) -> None:
    with polling() as process:
        assert said_by(process) == "on"
        for value in ("off", "on"):
            began = time.monotonic()
            set_value("worker.prices", value, actor="ada", why="a test")
            assert said_by(process) == value
            assert time.monotonic() - began < IN_TIME


def test_who_listens_is_told_the_version_at_the_commit(beside: Connection) -> None:
    beside.execute(f"LISTEN {CHANNEL}")
    with transaction.atomic():
        change = set_value(LAG.name, 60, actor="ada").change
        assert change
        assert not list(beside.notifies(timeout=0.2))
    assert [notice.payload for notice in beside.notifies(timeout=IN_TIME, stop_after=1)] == [str(change.pk)]


def test_values_are_read_again_only_when_something_changed(beside: Connection) -> None:
    values = LiveValues()
    assert values.number(LAG) == 600.0
    assert values.poll(beside)
    assert not values.poll(beside)
    set_value(LAG.name, 60, actor="ada", why="late")
    assert values.number(LAG) == 600.0
    assert values.poll(beside)
    assert values.number(LAG) == 60.0
    assert values.set_by(LAG).startswith("ada, ")
    assert values.set_by(LAG).endswith(": late")
    reset(LAG.name, actor="ada")
    assert values.poll(beside)
    assert (values.number(LAG), values.set_by(LAG)) == (600.0, "")


def set_in_a_thread(value: float) -> Outcome:
    try:
        return set_value(LAG.name, value, actor="bob")
    finally:
        connections.close_all()


def waits_for_the_lock(beside: Connection) -> bool:
    waiting = beside.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()))"
    ).fetchone()
    return waiting == (True,)


def test_of_two_writers_the_second_waits_so_that_no_reader_passes_a_change_over(beside: Connection) -> None:
    values = LiveValues()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = set_value(LAG.name, 10, actor="ada").change
            second = pool.submit(set_in_a_thread, 20)
            wait_until(lambda: waits_for_the_lock(beside))
            # The second would be seen before the first here, whose smaller id nobody would look for afterwards.
            values.poll(beside)
            assert values.version == 0 or values.version < (first.pk if first else 0)
        outcome = second.result(timeout=IN_TIME)
    assert first
    assert outcome.change
    assert outcome.change.pk > first.pk
    assert (first.old, first.new, outcome.change.old, outcome.change.new) == (None, 10.0, 10.0, 20.0)
    values.poll(beside)
    assert (values.version, values.number(LAG)) == (outcome.change.pk, 20.0)


def test_many_writers_lose_nothing(chains: list[Chain]) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(set_in_a_thread, range(1, 41)))
    changes = list(LiveChange.objects.order_by("id"))
    assert len(changes) == len(outcomes) == 40
    # Each change begins where the one before it ended.
    assert [change.old for change in changes] == [None, *(change.new for change in changes[:-1])]


def test_a_web_process_reads_every_two_seconds_at_most(chains: list[Chain]) -> None:
    values = WebValues(every=0.3)
    assert values().switch(MAINTENANCE) is False
    set_value(MAINTENANCE.name, True, actor="ada", why="a test")
    assert values().switch(MAINTENANCE) is False
    wait_until(lambda: values().switch(MAINTENANCE))
    reset(MAINTENANCE.name, actor="ada")
    values.forget()
    assert values().switch(MAINTENANCE) is False


def test_a_web_process_without_its_database_goes_on_with_what_it_knows(
    chains: list[Chain], caplog: pytest.LogCaptureFixture
) -> None:
    values = WebValues(every=0)
    set_value("worker.prices", False, actor="ada", why="a test")
    assert not values().flag("prices")
    given = django_connection.settings_dict
    port, given["PORT"] = given["PORT"], "1"
    host, given["HOST"] = given["HOST"], "127.0.0.1"
    django_connection.close()
    try:
        assert not values().flag("prices")
    finally:
        given["PORT"], given["HOST"] = port, host
        django_connection.close()
    assert "the last known ones hold" in caplog.text
    set_value(find("worker.prices").name, True, actor="ada")
    assert values().flag("prices")
