"""/api/v1/tasks…: what is told of tasks and their runs, and what can be asked for."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.tasks.models import Schedule, TaskRun
from tests.api.problems import problem
from tests.tasks.told import tell_line, tell_partition, tell_run, told

__all__ = ["told"]

TASKS = "/api/v1/tasks"
RUNS = f"{TASKS}/count-sheep/runs"


def get(client: Client, path: str, **query: Any) -> Any:
    response = client.get(path, query)
    assert response.status_code == 200, response.content
    return response.json()


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return client.generic(method, path, "" if body is None else json.dumps(body), content_type="application/json")


def count_sheep_schedule() -> str:
    return f"{TASKS}/count-sheep/schedules/{Schedule.objects.get(task='count-sheep').pk}"


def test_a_task_tells_when_it_runs_and_how_it_has_fared(told: Connection, client: Client) -> None:
    good = tell_run(told, "count-sheep", "succeeded", created=12, rejected=1)
    bad = tell_run(told, "count-sheep", "failed", error="the gate is shut")
    found = {task["name"]: task for task in get(client, TASKS)["tasks"]}
    sheep = found["count-sheep"]
    assert sheep == get(client, f"{TASKS}/count-sheep") | {
        "last_run": sheep["last_run"],
        "freshness": sheep["freshness"],
        "last_success": sheep["last_success"],
    }
    assert (sheep["last_run"]["id"], sheep["last_run"]["error"]) == (bad, "the gate is shut")
    assert (sheep["last_success"]["id"], sheep["last_success"]["records"]["created"]) == (good, 12)
    assert sheep["freshness"]["stale"] is False
    (schedule,) = sheep["schedules"]
    times = [datetime.fromisoformat(text) for text in schedule["next_five"]]
    assert schedule["words"] == "At 03:00 every day"
    assert [later - sooner for sooner, later in pairwise(times)] == [timedelta(days=1)] * 4
    assert all((moment.hour, moment.minute) == (3, 0) for moment in times)
    assert found["plough-fields"]["partitioned"]
    assert found["plough-fields"]["schedules"] == []
    assert found["shear-sheep"]["freshness"] is None


def test_runs_come_newest_first_and_by_pages(told: Connection, client: Client) -> None:
    runs = [tell_run(told, "count-sheep", "succeeded" if number % 2 else "failed") for number in range(5)]
    tell_run(told, "shear-sheep", "succeeded")
    first = get(client, RUNS, limit=3)
    rest = get(client, first["next"])
    assert [run["id"] for run in first["runs"] + rest["runs"]] == runs[::-1]
    assert rest["next"] is None
    assert [run["id"] for run in get(client, RUNS, state="succeeded")["runs"]] == [runs[3], runs[1]]


def test_a_run_tells_its_progress_and_its_log(told: Connection, client: Client, operator: Client) -> None:
    number = tell_run(told, "count-sheep", "running", done=50, total=200, worker="tasks@barn")
    tell_line(told, number, "the north meadow is counted")
    tell_line(told, number, "a wolf was seen", "WARNING")
    found = get(operator, f"{RUNS}/{number}")
    progress = found["run"]["progress"]
    assert (progress["done"], progress["total"]) == (50, 200)
    assert progress["per_second"] == pytest.approx(0.5, rel=0.1)
    assert progress["seconds_left"] == pytest.approx(300, rel=0.1)
    assert [(line["level"], line["text"]) for line in found["lines"]] == [
        ("INFO", "the north meadow is counted"),
        ("WARNING", "a wolf was seen"),
    ]
    nobody = get(client, f"{RUNS}/{number}")
    assert nobody["run"]["progress"]["done"] == 50
    assert (nobody["lines"], nobody["traceback"]) == (None, None)


def test_a_run_is_asked_for_cancelled_and_tried_again(told: Connection, operator: Client) -> None:
    made = send(operator, "POST", RUNS, {"params": {"limit": 3}, "priority": "immediate"})
    assert made.status_code == 201
    run = made.json()
    assert (run["state"], run["params"], run["priority"], run["actor"]) == (
        "queued",
        {"limit": 3},
        "immediate",
        "key:operator",
    )
    assert "wait for its end" in problem(send(operator, "POST", f"{RUNS}/{run['id']}/retry"), 409)["detail"]
    ended = send(operator, "POST", f"{RUNS}/{run['id']}/cancel")
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert "is over" in problem(send(operator, "POST", f"{RUNS}/{run['id']}/cancel"), 409)["detail"]
    again = send(operator, "POST", f"{RUNS}/{run['id']}/retry")
    assert (again.status_code, again.json()["retry_of"]) == (201, run["id"])
    assert {entry.action for entry in AuditEntry.objects.all()} == {"run task", "cancel run", "retry run"}


def test_a_run_at_work_says_who_wants_it_ended(told: Connection, operator: Client) -> None:
    number = tell_run(told, "count-sheep", "running")
    run = send(operator, "POST", f"{RUNS}/{number}/cancel").json()
    assert (run["state"], run["cancelled_by"]) == ("running", "key:operator")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"params": {"herd": 1}}, "count-sheep has no parameter 'herd': it has limit, meadow"),
        ({"params": {"limit": "many"}}, "limit='many'"),
        ({"params": {"meadow": "a\0b"}}, "meadow='a\\x00b' cannot be kept"),
        ({"params": {"a\0b": 1}}, "has no parameter 'a\\x00b'"),
        ({"params": {"meadow": "sea"}}, "the sea is no meadow"),
        ({"priority": "urgent"}, "Invalid enum value 'urgent'"),
        ({"speed": 3}, "unknown field `speed`"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(told: Connection, operator: Client, body: object, words: str) -> None:
    assert words in problem(send(operator, "POST", RUNS, body), 422)["detail"]
    assert not TaskRun.objects.exists()


def test_what_is_not_there_is_a_404_with_near_names(told: Connection, client: Client, operator: Client) -> None:
    assert "did you mean count-sheep?" in problem(client.get(f"{TASKS}/count-shep"), 404)["detail"]
    other = tell_run(told, "shear-sheep", "succeeded")
    for path in (
        f"{RUNS}/{other}",
        f"{RUNS}/{2**70}",
        f"{TASKS}/count-sheep/schedules/{2**70}",
        f"{TASKS}/a%00b/runs/1",
    ):
        problem(client.get(path), 404)
    assert "done as a whole" in problem(client.get(f"{TASKS}/count-sheep/partitions"), 404)["detail"]
    problem(send(operator, "POST", f"{TASKS}/count-sheep/backfill", {}), 409)
    problem(send(operator, "POST", f"{RUNS}/{other}/cancel"), 404)


def test_a_backfill_is_asked_for_and_its_grid_is_told(told: Connection, operator: Client) -> None:
    path = f"{TASKS}/plough-fields"
    made = send(
        operator, "POST", f"{path}/backfill", {"from": "2026-01-01", "to": "2026-01-31", "params": {"deep": True}}
    )
    assert made.status_code == 201
    assert made.json()["params"] == {"first": "2026-01-01", "last": "2026-01-31", "deep": True}
    wrong = send(operator, "POST", f"{path}/backfill", {"from": "2026-02-01", "to": "2026-01-31"})
    assert "is after the last" in problem(wrong, 422)["detail"]
    for key, state in (("east", "complete"), ("north", "complete"), ("south", "failed")):
        tell_partition(told, key, state)
    first = get(operator, f"{path}/partitions", limit=2)
    assert first["counts"] == {"missing": 0, "running": 0, "complete": 2, "failed": 1, "stale": 0, "refused": 0}
    assert [each["key"] for each in first["partitions"]] == ["east", "north"]
    assert [each["key"] for each in get(operator, first["next"])["partitions"]] == ["south"]
    assert [each["key"] for each in get(operator, f"{path}/partitions", state="failed")["partitions"]] == ["south"]


def test_a_schedule_is_changed_at_once_and_its_next_time_is_worked_out_again(
    told: Connection, operator: Client
) -> None:
    Schedule.objects.filter(task="count-sheep").update(next_at="2030-01-01T03:00:00Z")
    found = send(operator, "PATCH", count_sheep_schedule(), {"every": 3600, "priority": "low"}).json()
    assert (found["cron"], found["every"], found["words"], found["priority"]) == ("", 3600.0, "every hour", "low")
    kept = Schedule.objects.get(task="count-sheep")
    assert (kept.cron, kept.every, kept.next_at) == ("", 3600.0, None)
    found = send(operator, "PATCH", count_sheep_schedule(), {"cron": " 30 4  * * MON\n"}).json()
    assert (found["cron"], found["every"]) == ("30 4 * * MON", None)
    paused = send(operator, "PATCH", count_sheep_schedule(), {"paused": True}).json()
    assert (paused["paused"], paused["next_five"]) == (True, [])


def test_a_time_that_is_due_stays_due_whatever_else_is_changed(told: Connection, operator: Client) -> None:
    due = datetime(2025, 1, 1, 3, tzinfo=UTC)
    Schedule.objects.filter(task="count-sheep").update(next_at=due)
    body = {"priority": "low", "params": {"limit": 3}, "missed": "skip", "cron": "0 3 * * *", "paused": False}
    assert send(operator, "PATCH", count_sheep_schedule(), body).status_code == 200
    kept = Schedule.objects.get(task="count-sheep")
    assert (kept.next_at, kept.priority, kept.params) == (due, 0, {"limit": 3})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "names nothing that is to be changed"),
        ({"cron": "0 3 * * *", "every": 60}, "either cron or every"),
        ({"cron": "0 25 * * *"}, "cron '0 25 * * *' cannot be read"),
        ({"cron": "0 3 * *"}, "has 4 fields: it needs five"),
        ({"cron": "0 3 31 2 *"}, "bad day-of-month"),
        ({"cron": ""}, "a schedule has either cron"),
        ({"every": 1e12}, "every="),
        ({"params": {"limit": "many"}}, "limit='many'"),
        ({"params": {"meadow": "a\0b"}}, "meadow='a\\x00b' cannot be kept"),
        ({"missed": "never"}, "Invalid enum value"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_and_stays(
    told: Connection, operator: Client, body: object, words: str
) -> None:
    assert words in problem(send(operator, "PATCH", count_sheep_schedule(), body), 422)["detail"]
    kept = Schedule.objects.get(task="count-sheep")
    assert (kept.cron, kept.every, kept.params, kept.missed) == ("0 3 * * *", None, {}, "run once")


def test_health_tells_of_stale_data_and_stays_ready(told: Connection, client: Client) -> None:
    def dataset() -> Any:
        (found,) = [each for each in client.get("/health/ready").json()["datasets"] if each["name"] == "count-sheep"]
        return found

    status = client.get("/health/ready").status_code
    assert dataset() == {
        "name": "count-sheep",
        "newest": None,
        "age": None,
        "promised": 93_600.0,
        "stale": True,
        "trouble": "",
    }
    tell_run(told, "count-sheep", "succeeded", started_at=27 * 3600.0, finished_at=27 * 3600.0)
    assert (dataset()["stale"], round(dataset()["age"] / 3600)) == (True, 27)
    tell_run(told, "count-sheep", "succeeded")
    assert dataset()["stale"] is False
    assert client.get("/health/ready").status_code == status
