"""The pages about tasks: what they show to whom, what their buttons do, and what the form of a schedule refuses."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.tasks.admin.chart import HEIGHT, draw
from indexer.tasks.admin.partitions import SHOWN_ERRORS, label_counts
from indexer.tasks.admin.states import PARTITION_STATES
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.states import PartitionState
from indexer.tasks.statuses import read_runs
from tests.people import LogIn
from tests.positions.lookup_rows import statements
from tests.tasks.told import tell_line, tell_partition, tell_run, told
from tests.workers.rows import runtime

__all__ = ["runtime", "told"]

TASKS, RUNS, GRIDS = "/admin/tasks/schedule/", "/admin/tasks/taskrun/", "/admin/tasks/partition/"
MOST = 15
"""Statements that a page of the admin may cost."""


def said(client: Client, path: str) -> str:
    response = client.get(path, follow=True)
    assert response.status_code == 200, response.content
    return re.sub(r"\s+", " ", response.content.decode())


def row_of(text: str, key: str) -> str:
    found = re.search(rf'<tr data-key="{key}".*?</tr>', text)
    assert found, key
    return found[0]


def edit(client: Client, **changes: Any) -> Any:
    """Send the form of count-sheep's schedule with these changes."""
    schedule = Schedule.objects.get(name="count-sheep")
    form = {"cron": schedule.cron, "every": "", "params": "{}", "priority": "20", "missed": "run once", **changes}
    return client.post(f"{TASKS}{schedule.pk}/change/", form)


def test_the_list_shows_each_task_with_its_schedule_its_last_run_and_its_freshness(
    told: Connection, log_in: LogIn
) -> None:
    run = tell_run(told, "count-sheep", "failed", error="the gate is <shut>")
    client = log_in("viewer")
    for path in (TASKS, f"{TASKS}now/"):
        text = said(client, path)
        sheep = row_of(text, "count-sheep")
        for words in ("At 03:00 every day", f"{RUNS}{run}/change/", "the gate is &lt;shut&gt;", "stale", "never yet"):
            assert words in sheep
        assert "<button" not in sheep
        assert "on demand" in row_of(text, "plough-fields")
        assert f"{GRIDS}plough-fields/" in row_of(text, "plough-fields")
        assert "No worker takes runs" in text


@pytest.mark.usefixtures("told")
def test_a_run_is_called_so(log_in: LogIn) -> None:
    text = said(log_in("viewer"), RUNS)
    assert "task run" not in text.lower()
    assert "<title> Select run to view" in text
    assert " 0 runs " in text


@pytest.mark.parametrize("path", [TASKS, RUNS, GRIDS, f"{GRIDS}plough-fields/"])
def test_a_page_costs_no_more_with_many_runs(told: Connection, log_in: LogIn, path: str) -> None:
    for number in range(40):
        tell_run(told, "count-sheep", "succeeded")
        tell_partition(told, f"field {number}", "complete")
    client = log_in("operator")
    with statements() as sent:
        said(client, path)
    assert len(sent) <= MOST, sent


def test_operators_run_pause_and_resume(told: Connection, log_in: LogIn) -> None:
    client = log_in("operator")
    text = row_of(said(client, TASKS), "count-sheep")
    assert "Run now" in text
    schedule = Schedule.objects.get(name="count-sheep").pk
    assert f"{TASKS}pause/{schedule}/" in text
    shown = client.post(f"{TASKS}run/count-sheep/", follow=True).content.decode()
    run = TaskRun.objects.get()
    assert (run.task, run.actor, run.state) == ("count-sheep", "some-operator", "queued")
    assert "no worker takes runs" in shown
    client.post(f"{TASKS}pause/{schedule}/")
    assert Schedule.objects.get(name="count-sheep").paused
    assert f"{TASKS}resume/{schedule}/" in row_of(said(client, TASKS), "count-sheep")
    client.post(f"{TASKS}resume/{schedule}/")
    assert not Schedule.objects.get(name="count-sheep").paused
    assert [entry.actor for entry in AuditEntry.objects.all()] == ["some-operator"] * 3


def test_a_schedule_may_be_called_anything_and_is_itself(told: Connection, log_in: LogIn) -> None:
    odd = [Schedule.objects.create(name=name, task="count-sheep", every=60.0) for name in ("a/b?", "plough-fields")]
    client = log_in("operator")
    row = row_of(said(client, TASKS), "count-sheep")
    for schedule in odd:
        assert f"{TASKS}pause/{schedule.pk}/" in row
        assert f"The schedule {schedule.name} rests." in html.unescape(
            client.post(f"{TASKS}pause/{schedule.pk}/", follow=True).content.decode()
        )
    assert set(Schedule.objects.filter(paused=True)) == set(odd)


def test_viewers_steer_nothing_and_a_get_does_nothing(told: Connection, log_in: LogIn) -> None:
    failed, running = tell_run(told, "plough-fields", "failed"), tell_run(told, "count-sheep", "running")
    paths = [
        f"{TASKS}run/count-sheep/",
        f"{TASKS}pause/{Schedule.objects.get(name='count-sheep').pk}/",
        f"{RUNS}{failed}/retry/",
        f"{RUNS}{running}/cancel/",
        f"{GRIDS}plough-fields/resume/",
    ]
    viewer = log_in("viewer")
    assert [viewer.post(path).status_code for path in paths] == [403] * len(paths)
    operator = log_in("operator")
    for path in paths:
        said(operator, path)
    assert TaskRun.objects.count() == 2
    assert not Schedule.objects.get(name="count-sheep").paused
    assert not AuditEntry.objects.exists()


def test_a_run_shows_its_progress_its_log_and_who_may_cancel_it(told: Connection, log_in: LogIn) -> None:
    run = tell_run(told, "count-sheep", "running", done=50, total=200, worker="tasks@barn", params={"limit": 3})
    tell_line(told, run, "a <wolf> was seen", "WARNING")
    client = log_in("operator")
    for path in (f"{RUNS}{run}/change/", f"{RUNS}{run}/now/"):
        text = said(client, path)
        for words in ("50 of 200 (25%)", 'max="200" value="50"', "a &lt;wolf&gt; was seen", "tasks@barn", "limit=3"):
            assert words in text
        assert "Cancel the run" in text
    client.post(f"{RUNS}{run}/cancel/")
    text = said(client, f"{RUNS}{run}/change/")
    assert "some-operator wants it ended" in text
    assert "Cancel the run" not in text
    TaskRun.objects.filter(pk=run).update(state="cancelled", why="cancelled by some-operator")
    text = said(client, f"{RUNS}{run}/change/")
    assert "cancelled by some-operator" in text
    assert "wants it ended" not in text


def test_a_run_whose_worker_has_vanished_says_so(told: Connection, log_in: LogIn) -> None:
    number = tell_run(told, "count-sheep", "running", beat_at=90.0)
    text = said(log_in("viewer"), f"/admin/tasks/taskrun/{number}/now/")
    assert "its worker has been silent for 90 s" in text
    assert "no worker takes runs at the moment" in text


def test_a_failed_run_shows_why_and_is_tried_again(told: Connection, log_in: LogIn) -> None:
    run = tell_run(told, "count-sheep", "failed", error="the gate is shut", traceback="Traceback: gate.py")
    client = log_in("operator")
    text = said(client, f"{RUNS}{run}/change/")
    for words in ("the gate is shut", "Traceback: gate.py", "Try again", "<svg", "fp-bar-failed fp-this"):
        assert words in text
    assert "One run of count-sheep so far:" in text
    client.post(f"{RUNS}{run}/retry/")
    again = TaskRun.objects.get(retry_of=run)
    assert f"run {run}</a>" in said(client, f"{RUNS}{again.pk}/change/")


def test_runs_are_listed_by_task_and_state(told: Connection, log_in: LogIn) -> None:
    sheep, wool = tell_run(told, "count-sheep", "failed", error="no"), tell_run(told, "shear-sheep", "succeeded")
    client = log_in("viewer")

    def listed(query: str) -> set[int]:
        return {int(number) for number in re.findall(rf"{RUNS}(\d+)/change/", said(client, f"{RUNS}{query}"))}

    assert listed("") == {sheep, wool}
    assert listed("?task=count-sheep") == listed("?state=failed") == {sheep}
    assert listed("?state=running") == set()


def test_what_is_not_there_is_a_404(told: Connection, log_in: LogIn) -> None:
    client = log_in("operator")
    for path in (f"{RUNS}999999999/change/", f"{RUNS}{10**20}/change/", f"{GRIDS}count-sheep/", f"{GRIDS}nothing/"):
        assert client.get(path).status_code == 404, path
    for path in ("run/nothing", "pause/999999999", f"resume/{10**20}"):
        assert client.post(f"{TASKS}{path}/").status_code == 404, path


def test_thousands_of_partitions_are_written_with_commas() -> None:
    counts = dict.fromkeys(PartitionState, 0) | {PartitionState.COMPLETE: 2000}
    assert [count for _, count in label_counts(counts)] == ["2,000"]


def test_no_two_states_of_a_partition_look_the_same() -> None:
    assert len({shown.colour for shown in PARTITION_STATES}) == len(PARTITION_STATES) == len(PartitionState)


def test_a_grid_says_how_many_failures_it_does_not_list(told: Connection, log_in: LogIn) -> None:
    for number in range(SHOWN_ERRORS + 2):
        tell_partition(told, f"field-{number:03}", "failed", error="502")
    text = said(log_in("viewer"), f"{GRIDS}plough-fields/")
    assert text.count("<td>1</td>") == SHOWN_ERRORS
    assert "And 2 more: <code>python manage.py tasks grid plough-fields --state failed</code>" in text


def test_the_grid_has_a_cell_for_each_partition_and_resumes_what_failed(told: Connection, log_in: LogIn) -> None:
    last = tell_run(told, "plough-fields", "failed", params={"deep": True, "first": "2026-01-01"})
    for key, state in (("east", "complete"), ("north", "failed"), ("south", "stale"), ("west", "missing")):
        tell_partition(told, key, state, error="a stone" if state == "failed" else "", run=last)
    client = log_in("operator")
    assert "plough-fields" in said(client, GRIDS)
    text = said(client, f"{GRIDS}plough-fields/")
    cells = dict(re.findall(r'<span class="fp-cell fp-(\w+)" data-key="(\w+)"', text))
    assert cells == {"good": "east", "bad": "north", "warn": "south", "plain": "west"}
    assert "Resume what failed" in text
    client.post(f"{GRIDS}plough-fields/resume/")
    again = TaskRun.objects.order_by("-id")[0]
    assert (again.pk > last, again.params) == (True, {"deep": True, "first": "2026-01-01"})
    refused = client.post(f"{GRIDS}plough-fields/resume/", follow=True).content.decode()
    assert f"run {again.pk} of plough-fields is queued: resume what has failed once that is over" in refused


def test_a_schedule_is_edited_with_its_next_five_times_beside_it(told: Connection, log_in: LogIn) -> None:
    client = log_in("operator")
    schedule = Schedule.objects.get(name="count-sheep")
    text = said(client, f"{TASKS}{schedule.pk}/change/")
    assert "At 03:00 every day" in text
    assert len(re.findall(r"<li>\w+day, [\d-]+ 03:00:00</li>", text)) == 5
    assert edit(client, cron="30 4 * * MON", params='{"limit": 3}').status_code == 302
    schedule.refresh_from_db()
    assert (schedule.cron, schedule.params, schedule.next_at) == ("30 4 * * MON", {"limit": 3}, None)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("some-operator", "change schedule")
    assert "cron=30 4 * * MON" in entry.outcome


@pytest.mark.parametrize("empty", ["", "null", "{}"])
def test_no_parameters_are_none_however_that_is_written(told: Connection, log_in: LogIn, empty: str) -> None:
    client = log_in("operator")
    assert edit(client, params='{"limit": 3}').status_code == 302
    assert edit(client, params=empty).status_code == 302
    assert Schedule.objects.get(name="count-sheep").params == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cron": "0 25 * * *"}, "cron &#x27;0 25 * * *&#x27; cannot be read"),
        ({"every": "60"}, "a schedule has either cron"),
        ({"params": '{"herd": 1}'}, "count-sheep has no parameter &#x27;herd&#x27;"),
        ({"params": '{"limit": NaN}'}, "limit=nan: Expected `int`, got `float`"),
        ({"params": '{"meadow": "\\ud83d"}'}, "meadow=&#x27;\\ud83d&#x27; cannot be kept"),
        ({"params": '{"meadow": "sea"}'}, "the sea is no meadow"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    told: Connection, log_in: LogIn, changes: dict[str, str], words: str
) -> None:
    response = edit(log_in("operator"), **changes)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert Schedule.objects.get(name="count-sheep").cron == "0 3 * * *"
    assert not AuditEntry.objects.exists()


def test_another_schedule_is_added_and_taken_away_and_the_first_is_not(told: Connection, log_in: LogIn) -> None:
    client = log_in("operator")
    form = {"name": "lambs", "task": "count-sheep", "cron": "0 4 * * *", "params": '{"meadow": "north"}'}
    assert client.post(f"{TASKS}add/", form | {"priority": "10", "missed": "skip"}).status_code == 302
    lambs = Schedule.objects.get(name="lambs")
    assert (lambs.task, lambs.params, lambs.missed) == ("count-sheep", {"meadow": "north"}, "skip")
    first = Schedule.objects.get(name="count-sheep")
    assert client.post(f"{TASKS}{first.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{TASKS}{lambs.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Schedule.objects.filter(name="lambs").exists()
    assert {entry.action for entry in AuditEntry.objects.all()} == {"add schedule", "delete schedule"}


def test_the_chart_has_a_bar_for_each_run_that_took_some_time(told: Connection) -> None:
    assert draw(read_runs(task="count-sheep", limit=10)) is None
    slow = tell_run(told, "count-sheep", "succeeded")
    fast = tell_run(told, "count-sheep", "failed", started_at=55.0)
    tell_run(told, "count-sheep", "queued")
    chart = draw(read_runs(task="count-sheep", limit=10))
    assert chart is not None
    assert [(bar.run, bar.state, bar.height) for bar in chart.bars] == [
        (slow, "succeeded", HEIGHT),
        (fast, "failed", HEIGHT / 4),
    ]


def test_the_carriers_own_pages_are_shown_to_nobody(told: Connection, log_in: LogIn) -> None:
    assert log_in("superuser").get("/admin/procrastinate/procrastinatejob/").status_code == 404
