"""`manage.py tasks`: what it tells, what it asks for, and what it leaves with."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from threading import Timer

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as django_connection

from indexer.access.audit import shell_actor
from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection, open_beside
from indexer.tasks import following
from indexer.tasks.following import ProgressLine
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.states import RunState
from indexer.tasks.statuses import read_run
from tests.positions.lookup_rows import statements
from tests.tasks.told import tell_line, tell_partition, tell_run, told
from tests.workers.rows import runtime, tell

__all__ = ["runtime", "told"]

CUT = "SELECT pg_terminate_backend(%s, 5000)"


def run(*arguments: str) -> tuple[str, str]:
    """What it writes, and what it warns of. Raises CommandError."""
    out, err = StringIO(), StringIO()
    call_command("tasks", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def fail(code: int, *arguments: str) -> str:
    with pytest.raises(CommandError) as failed:
        run(*arguments)
    assert failed.value.returncode == code
    return str(failed.value)


@pytest.fixture
def outcome() -> Iterator[Callable[[RunState], None]]:
    """A worker's part: gives every run that is in the line a state, a moment later."""
    timers: list[Timer] = []

    def end(state: RunState) -> None:
        with open_beside(application_name="footprint test") as connection:
            connection.execute(
                "UPDATE public.task_runs SET state = %s, started_at = now(), finished_at = now(), created = 7", [state]
            )

    def later(state: RunState) -> None:
        timers.append(Timer(0.7, end, [state]))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.join()


def test_the_list_has_every_task_with_its_times_and_its_last_run(told: Connection) -> None:
    number = tell_run(told, "count-sheep", "succeeded", created=12)
    listed, _ = run("list")
    rows = {line.split()[0]: line for line in listed.splitlines()}
    assert f"run {number}, " in rows["count-sheep"]
    assert "At 03:00 every day" in rows["count-sheep"]
    assert "60 s" in rows["count-sheep"]
    assert "every hour" in rows["shear-sheep"]
    assert "on demand" in rows["plough-fields"]
    found = {each["name"]: each for each in json.loads(run("list", "--json")[0])}
    assert found["count-sheep"]["last_run"]["records"]["created"] == 12
    assert found["count-sheep"]["freshness"]["stale"] is False
    assert found["shear-sheep"]["last_run"] is None


def test_the_status_of_a_task_tells_its_schedules_and_its_runs(told: Connection) -> None:
    tell_run(told, "count-sheep", "failed", error="the gate is shut\nand locked")
    tell_run(told, "shear-sheep", "succeeded")
    text, _ = run("status", "count-sheep")
    assert "count-sheep: Count every sheep of a meadow." in text
    assert "parameters    limit (int), meadow (str)" in text
    assert text.count("03:00:00") >= 5
    assert "the gate is shut" in text
    assert "and locked" not in text
    assert "shear-sheep" not in text


def test_the_status_of_a_run_tells_all_of_it(told: Connection) -> None:
    number = tell_run(
        told, "count-sheep", "running", done=50, total=200, params={"limit": 3}, actor="ada", worker="tasks@barn"
    )
    tell_line(told, number, "the north meadow is counted")
    text, _ = run("status", str(number))
    assert text.startswith(f"run {number} of count-sheep\n")
    for words in ("limit=3", "ada", "tasks@barn", "50 of 200 (25%), 0.5/s, 5 min left", "the north meadow is counted"):
        assert words in text


@pytest.mark.parametrize(("beat_at", "words"), [(5.0, ""), (90.0, "; its worker has been silent for 90 s")])
def test_a_run_whose_worker_has_vanished_says_so(told: Connection, beat_at: float, words: str) -> None:
    number = tell_run(told, "count-sheep", "running", done=50, total=200, attempt_at=100.0 + beat_at, beat_at=beat_at)
    said, warned = run("status", str(number))
    assert f"running: 50 of 200 (25%), 0.5/s, 5 min left{words}\n" in said
    assert "no worker takes runs at the moment" in warned
    assert words in run("status")[0]


@pytest.mark.parametrize(
    ("state", "created", "words"),
    [
        ("succeeded", 0, "records       nothing to do"),
        ("failed", 0, None),  # it had something to do, and has not done it
        ("queued", 0, None),
        ("failed", 7, "records       7 created"),
    ],
)
def test_only_a_success_has_had_nothing_to_do(told: Connection, state: str, created: int, words: str | None) -> None:
    said, _ = run("status", str(tell_run(told, "count-sheep", state, created=created)))
    assert words in said if words else "records" not in said


def test_what_is_not_there_is_bad_usage_with_near_names(told: Connection) -> None:
    assert "did you mean count-sheep?" in fail(2, "run", "count-shep")
    assert "did you mean count-sheep?" in fail(2, "status", "count-shep")
    assert "there is no run 999999999" in fail(2, "status", "999999999")
    assert "there is no run 999999999" in fail(2, "cancel", "999999999")
    assert "count-sheep has no parameter 'herd': it has limit, meadow" in fail(
        2, "run", "count-sheep", "--param=herd=1"
    )
    assert "meadow='a\\udcff' cannot be kept" in fail(2, "run", "count-sheep", "--param=meadow=a\udcff")
    assert "the sea is no meadow" in fail(2, "run", "count-sheep", "--param=meadow=sea", "--param=limit=3")
    assert "--param limit cannot be read: it is NAME=VALUE" in fail(2, "run", "count-sheep", "--param=limit")
    assert "--param a is given twice: 1 and 2" in fail(2, "run", "count-sheep", "--param=a=1", "--param=a=2")
    assert "count-sheep has no partitions" in fail(2, "backfill", "count-sheep")
    assert "count-sheep has no partitions" in fail(2, "grid", "count-sheep")
    assert "plough-fields has no schedule" in fail(2, "pause", "plough-fields")
    with pytest.raises(CommandError, match="argument --to: '2026-02-30' is no day: it is written 2026-01-31"):
        run("backfill", "plough-fields", "--to=2026-02-30")
    assert "is after the last" in fail(2, "backfill", "plough-fields", "--from=2026-02-01", "--to=2026-01-01")
    assert not TaskRun.objects.exists()


def test_a_run_is_put_into_the_line_and_stands_in_the_audit(told: Connection, runtime: Connection) -> None:
    said, warned = run("run", "count-sheep", "--param", "limit=3", "--priority", "immediate")
    made = TaskRun.objects.get()
    assert (made.params, made.priority, made.actor, made.state) == ({"limit": 3}, 30, shell_actor(), "queued")
    assert said == f"run {made.pk} of count-sheep is in the line\n"
    assert "no worker takes runs" in warned
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.outcome) == ("run task", "count-sheep", f"run {made.pk}")


def test_with_a_worker_at_hand_nothing_is_warned_of(told: Connection, runtime: Connection) -> None:
    tell(runtime, "tasks", kind="tasks")
    assert run("run", "count-sheep")[1] == ""
    tell(runtime, "tasks", kind="tasks", said="stopped")
    assert "no worker takes runs" in run("run", "count-sheep")[1]


@pytest.mark.parametrize(("state", "code"), [(RunState.SUCCEEDED, 0), (RunState.FAILED, 1), (RunState.CANCELLED, 1)])
def test_whoever_waits_leaves_as_the_run_has_ended(
    told: Connection, outcome: Callable[[RunState], None], state: RunState, code: int
) -> None:
    outcome(state)
    if code:
        assert "tells more" in fail(code, "run", "count-sheep", "--wait")
    else:
        said, _ = run("run", "count-sheep", "--wait")
        _, first, last = said.splitlines()
        assert first.endswith(": queued")
        assert last.endswith(": succeeded, 7 created")


def test_whoever_waits_no_longer_leaves_the_run_in_the_line(told: Connection) -> None:
    assert "is queued still" in fail(75, "run", "count-sheep", "--wait", "--timeout", "0.1")
    assert TaskRun.objects.get().state == RunState.QUEUED


def test_at_a_terminal_a_bar_is_written_over_in_one_line_however_narrow(told: Connection) -> None:
    number = tell_run(told, "plough-fields", "running", done=50, total=200)
    failed = tell_run(told, "plough-fields", "waiting", why="attempt 1 of 3 failed\nand", error="it " + "rained " * 50)
    written: list[str] = []
    for columns, bar in ((100, f"run {number} running  [#####---------------]  50 of 200 (25%)"), (20, "run ")):
        line = ProgressLine(written.append, is_terminal=True, columns=partial(int, columns))
        for run_id in (number, failed, number):
            line.show(read_run(run_id))
        assert all(text.startswith("\r") and "\n" not in text and len(text) <= columns for text in written)
        assert bar in written[0]
        assert len(written[-1]) == len(written[-2])  # nothing of the longer one is left
        line.end()
        assert written.pop() == "\n"
        written.clear()


def test_an_interrupt_leaves_the_run_as_it_is(told: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "show", interrupt)
    assert "goes on: `manage.py tasks cancel" in fail(75, "run", "count-sheep", "--wait")
    assert TaskRun.objects.get().state == RunState.QUEUED


def test_whoever_waits_does_so_through_an_outage(told: Connection, outcome: Callable[[RunState], None]) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    outcome(RunState.SUCCEEDED)
    cut = Timer(0.3, lambda: open_beside(application_name="footprint test").execute(CUT, [session]))
    cut.start()
    said, _ = run("run", "count-sheep", "--wait")
    cut.join()
    assert said.splitlines()[-1].endswith(": succeeded, 7 created")


def test_a_run_that_nobody_can_follow_is_not_said_to_have_failed(
    told: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object) -> None:
        monkeypatch.setitem(django_connection.settings_dict, "PORT", "9")
        django_connection.close()

    monkeypatch.setattr(ProgressLine, "show", leave)
    monkeypatch.setattr(following, "PATIENCE", 1)
    words = fail(75, "run", "count-sheep", "--wait")
    assert "cannot be followed, for the database is away" in words
    assert "the database cannot be used" in fail(75, "list")
    monkeypatch.undo()
    assert TaskRun.objects.get().state == RunState.QUEUED


def test_a_run_is_cancelled_and_tried_again(told: Connection) -> None:
    number = tell_run(told, "count-sheep", "failed", params={"limit": 3}, cursor={"page": 4})
    assert f"run {number} of count-sheep is over: it has failed" in fail(2, "cancel", str(number))
    run("retry", str(number))
    again = TaskRun.objects.get(retry_of=number)
    assert (again.params, again.cursor) == ({"limit": 3}, {"page": 4})
    assert run("cancel", str(again.pk))[0] == f"run {again.pk} of count-sheep is cancelled\n"
    running = tell_run(told, "shear-sheep", "running")
    assert run("cancel", str(running))[0] == f"run {running} of shear-sheep ends at its next step\n"


def test_a_backfill_names_its_days(told: Connection) -> None:
    run("backfill", "plough-fields", "--from", "2026-01-01", "--to", "2026-01-31", "--param", "deep=true")
    assert TaskRun.objects.get().params == {"first": "2026-01-01", "last": "2026-01-31", "deep": True}


def test_the_grid_counts_and_lists_partitions(told: Connection) -> None:
    assert run("grid", "plough-fields")[0] == "no partition yet\n"
    tell_partition(told, "north", "complete")
    tell_partition(told, "south", "failed", error="a stone\nof granite")
    text, _ = run("grid", "plough-fields")
    assert text.startswith("1 complete, 1 failed\n")
    assert "a stone" in text
    assert "granite" not in text
    assert "north" not in run("grid", "plough-fields", "--state", "failed")[0].partition("\n")[2]


def test_a_schedule_rests_and_goes_on(told: Connection) -> None:
    assert run("pause", "count-sheep")[0] == "schedule count-sheep rests\n"
    assert Schedule.objects.get(name="count-sheep").paused
    assert "(paused)" in run("list")[0]
    assert run("resume", "count-sheep")[0] == "schedule count-sheep goes on\n"
    assert not Schedule.objects.get(name="count-sheep").paused
    assert Schedule.objects.get(name="shear-sheep").paused is False
    Schedule.objects.create(name="lambs", task="count-sheep", every=60.0)
    Schedule.objects.create(name="count-sheep's other", task="shear-sheep", every=60.0)
    assert run("pause", "count-sheep")[0] == "schedule count-sheep rests\nschedule lambs rests\n"
    assert run("resume", "lambs")[0] == "schedule lambs goes on\n"


def test_a_task_that_no_worker_has_known_yet_can_rest(told: Connection) -> None:
    Schedule.objects.all().delete()
    assert run("pause", "count-sheep")[0] == "schedule count-sheep rests\n"
    assert Schedule.objects.get(name="count-sheep").paused


def test_any_number_of_runs_costs_the_same_statements(told: Connection) -> None:
    for _ in range(30):
        tell_run(told, "count-sheep", "succeeded")
    with statements() as sent:
        run("list")
    assert len(sent) <= 4, sent
