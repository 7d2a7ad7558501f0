"""What is said of a run in the line that cannot begin before another one of its task."""

from io import StringIO

from django.core.management import call_command

from indexer.chains.connections import Connection
from indexer.tasks.declaring import Priority
from indexer.tasks.models import TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.statuses import read_run
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


def test_of_several_in_the_line_the_first_is_named(line: Connection) -> None:
    runs = [enqueue("count-up") for _ in range(3)]
    assert [why(run) for run in runs] == ["", *[f"it begins after run {runs[0].pk}, which is queued"] * 2]
