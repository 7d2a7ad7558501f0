"""What is said of a run in the line that cannot begin before another one of its task."""

from io import StringIO

import pytest
from django.core.management import call_command

from indexer.chains.connections import Connection
from indexer.tasks.declaring import Priority
from indexer.tasks.models import TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.statuses import read_run, read_runs, read_task
from tests.people import LogIn
from tests.positions.lookup_rows import statements
from tests.tasks.test_a_waiting_run_holds_up_its_own_task_alone import stumble


def why(run: TaskRun) -> str:
    return read_run(run.pk).why


def test_one_behind_a_run_that_is_not_due_yet_says_until_when(line: Connection) -> None:
    first = enqueue("stumble", {"retry_after": 3600})
    before = enqueue("stumble")
    stumble(line, first)
    first.refresh_from_db()
    assert first.due_at
    run = enqueue("stumble")
    words = f"it begins after run {first.pk}, which is waiting until {first.due_at:%Y-%m-%d %H:%M:%S}: attempt 1 of 3 "
    assert why(run).startswith(words)
    assert why(before) == ""  # it was in the line when that failed
    assert why(enqueue("stumble", priority=Priority.HIGH)) == ""
    assert why(enqueue("ask")) == ""


def test_one_behind_a_run_at_work_says_so_at_the_terminal_too(line: Connection) -> None:
    first = enqueue("count-up")
    TaskRun.objects.filter(pk=first.pk).update(state="running")
    out = StringIO()
    call_command("tasks", "run", "count-up", stdout=out, stderr=StringIO())
    assert f"is in the line: it begins after run {first.pk}, which is running" in out.getvalue()


@pytest.mark.usefixtures("line")
def test_priorities_are_those_of_the_line() -> None:
    low, high = enqueue("count-up", priority=Priority.LOW), enqueue("count-up", priority=Priority.HIGH)
    assert [why(run) for run in (low, high)] == [f"it begins after run {high.pk}, which is queued", ""]


@pytest.mark.usefixtures("line")
def test_lists_say_it_by_one_statement_for_all(log_in: LogIn) -> None:
    runs = [enqueue("count-up") for _ in range(9)]
    words = f"it begins after run {runs[0].pk}, which is queued"
    with statements() as sent:
        assert [run.why for run in read_runs(limit=9)] == [*[words] * 8, ""]
    assert len(sent) <= 3
    client = log_in("viewer")
    with statements() as sent:
        assert client.get("/admin/tasks/taskrun/").content.decode().count(words) == 8
    assert len(sent) <= 15
    assert words in client.get(f"/admin/tasks/taskrun/{runs[-1].pk}/change/").content.decode()
    last_run = read_task("count-up").last_run
    assert last_run is not None
    assert last_run.why == words


def test_of_several_in_the_line_the_first_is_named(line: Connection) -> None:
    runs = [enqueue("count-up") for _ in range(3)]
    assert [why(run) for run in runs] == ["", *[f"it begins after run {runs[0].pk}, which is queued"] * 2]
