"""GET /api/v1/workers/status: every worker as it is, and what is known of it."""

from datetime import datetime
from typing import Any

import pytest
from django.db import connection as django_connection
from django.test import Client

from indexer.chains.connections import Connection
from indexer.workers.live_changes import set_value
from indexer.workers.live_values import web_values
from indexer.workers.states import MEANINGS, State
from indexer.workers.statuses import read_statuses
from tests.api.outages import no_database
from tests.api.problems import problem
from tests.positions.lookup_rows import statements
from tests.workers.rows import runtime, tell

__all__ = ["runtime"]

STATUS = "/api/v1/workers/status"
FIELDS = {
    "name",
    "kind",
    "healthy",
    "enabled",
    "state",
    "why",
    "since",
    "lastRun",
    "errorRate",
    "itemsPerMinute",
    "latency",
    "restartCount",
    "memory",
    "lag",
    "needsPerson",
}


@pytest.fixture(autouse=True)
def _values_read_anew(runtime: Connection) -> None:
    web_values.forget()


def ask(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(STATUS).json()
    return answer


def test_every_worker_says_what_is_known_of_it(client: Client, runtime: Connection) -> None:
    tell(
        runtime,
        "prices",
        kind="prices",
        error_rate=0.25,
        items_per_minute=12.5,
        latency=0.5,
        lag=3.0,
        memory=9_000_000,
        restarts=2,
        needs_person="it has been restarted twice",
    )
    runtime.execute("UPDATE public.workers SET last_run_at = '2026-11-27 08:00:00+00'")
    (found,) = ask(client)["workers"]
    assert found.keys() == FIELDS
    assert datetime.fromisoformat(found.pop("since")).tzinfo is not None
    assert found == {
        "name": "prices",
        "kind": "prices",
        "healthy": True,
        "enabled": True,
        "state": "healthy",
        "why": "",
        "lastRun": "2026-11-27T08:00:00Z",
        "errorRate": 0.25,
        "itemsPerMinute": 12.5,
        "latency": 0.5,
        "restartCount": 2,
        "memory": 9_000_000,
        "lag": 3.0,
        "needsPerson": "it has been restarted twice",
    }


def test_what_is_not_known_is_null(client: Client, runtime: Connection) -> None:
    tell(runtime, "worker-hilltop")
    (found,) = ask(client)["workers"]
    assert {name for name, value in found.items() if value is None} == {"lastRun", "latency", "lag", "needsPerson"}


def test_states_are_told_apart_and_each_is_explained(client: Client, runtime: Connection) -> None:
    tell(runtime, "a-healthy")
    tell(runtime, "b-degraded", error_rate=0.9)
    tell(runtime, "c-crashed", seen="dead", seen_words="it was ended by signal 9")
    runtime.execute("UPDATE public.workers SET seen_at = now() WHERE seen = 'dead'")
    tell(runtime, "d-misconfigured", said="misconfigured", why="SAMPLE_KEY is not set")
    tell(runtime, "e-resting", said="out of budget")
    tell(runtime, "f-switched-off", said="stopped by flag")
    answer = ask(client)
    assert [(found["state"], found["healthy"]) for found in answer["workers"]] == [
        ("healthy", True),
        ("degraded", False),
        ("crashed", False),
        ("misconfigured", False),
        ("out of budget", False),
        ("stopped by flag", True),
    ]
    assert answer["workers"][2]["why"] == "it was ended by signal 9"
    assert answer["meanings"] == {state.value: MEANINGS[state] for state in State}


def test_a_flag_that_is_off_and_maintenance_are_told(client: Client, runtime: Connection) -> None:
    tell(runtime, "prices")
    answer = ask(client)
    assert (answer["workers"][0]["enabled"], answer["maintenance"]) == (True, False)
    set_value("worker.prices", False, actor="test", why="prices are wrong")
    set_value("maintenance", True, actor="test", why="a new disk")
    web_values.forget()
    answer = ask(client)
    assert (answer["workers"][0]["enabled"], answer["maintenance"]) == (False, True)


def test_it_says_what_the_command_says(client: Client, runtime: Connection) -> None:
    tell(runtime, "worker-hilltop", lag=2.0)
    with django_connection.cursor() as cursor:
        (status,) = read_statuses(cursor)
    (found,) = ask(client)["workers"]
    told = status.to_json()
    assert list(found) == list(told)
    assert datetime.fromisoformat(found.pop("since")) == datetime.fromisoformat(told.pop("since"))
    assert found == told


def test_any_number_of_workers_costs_the_same_statements(client: Client, runtime: Connection) -> None:
    ask(client)
    for number in range(50):
        tell(runtime, f"worker-{number}")
    web_values.forget()
    with statements() as sent:
        assert len(ask(client)["workers"]) == 50
    assert len(sent) <= 4, sent


def test_parameters_are_refused_and_an_outage_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    problem(client.get(STATUS, {"state": "healthy"}), 400)
    with no_database(monkeypatch):
        problem(client.get(STATUS), 503)
