"""See and steer scheduled work."""

import json
import os
from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from django.core.management.base import CommandError, CommandParser

from indexer.access.audit import shell_actor
from indexer.chains.command import FootprintCommand
from indexer.tasks.declaring import Priority, TaskError
from indexer.tasks.following import ProgressLine, follow
from indexer.tasks.holding import say_holder
from indexer.tasks.models import TaskRun
from indexer.tasks.outages import AWAY
from indexer.tasks.states import ACTIVE, PartitionState, RunState
from indexer.tasks.statuses import (
    TaskRunStatus,
    count_partitions,
    is_anybody_working,
    read_lines,
    read_partitions,
    read_run,
    read_runs,
    read_task,
    read_tasks,
)
from indexer.tasks.steering import backfill, cancel_run, retry_run, run_task, set_paused
from indexer.tasks.tables import describe_run, describe_task, list_partitions, list_runs, list_tasks

FAILED, MISUSED, NOT_YET = 1, 2, os.EX_TEMPFAIL
"""Exit codes, besides 0."""
SHOWN_RUNS = 20
SHOWN_LINES = 50
SHOWN_PARTITIONS = 500
NOBODY = (
    "no worker takes runs at the moment, so none begins or is taken over: start `manage.py run_workers`, or "
    "`manage.py run_worker tasks`"
)


class Command(FootprintCommand):
    help = (
        "See and steer scheduled work. With --wait, `run`, `retry` and `backfill` leave when the run is over: 0 it has "
        f"succeeded, {FAILED} it has failed or was cancelled, {NOT_YET} it goes on after --timeout, or nobody knows: "
        f"the database is away. {MISUSED} is for what cannot be asked. Ctrl-C leaves the run as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", help="what to do")
        listed = verbs.add_parser("list", help="every task, when it runs, and how it has fared")
        listed.add_argument("--json", action="store_true", help="as programs read it")
        status = verbs.add_parser("status", help="the newest runs; those of a task; or all of one run")
        status.add_argument("what", nargs="?", metavar="NAME|RUN", help="a task, or the number of a run")
        status.add_argument("--json", action="store_true", help="as programs read it")
        run = verbs.add_parser("run", help="put a run into the line")
        run.add_argument("name", metavar="NAME")
        filling = verbs.add_parser("backfill", help="complete a task's partitions for some days")
        filling.add_argument("name", metavar="NAME")
        filling.add_argument("--from", dest="first", type=read_day, metavar="DAY", help="the first, as 2026-01-31")
        filling.add_argument("--to", dest="last", type=read_day, metavar="DAY", help="the last")
        for asking in (run, filling):
            asking.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
            asking.add_argument("--priority", choices=[priority.label for priority in reversed(Priority)])
        again = verbs.add_parser("retry", help="do a run that has failed or was cancelled again, from where it got to")
        for waiting in (run, filling, again):
            waiting.add_argument("--wait", action="store_true", help="stay until it is over, and show how it gets on")
            waiting.add_argument("--timeout", type=float, metavar="SECONDS", help="with --wait: no longer than this")
        for steering in (verbs.add_parser("cancel", help="end a run at its next sign of progress"), again):
            steering.add_argument("run", type=int, metavar="RUN", help="its number")
        grid = verbs.add_parser("grid", help="the partitions of a task")
        grid.add_argument("name", metavar="NAME")
        grid.add_argument("--state", choices=[state.value for state in PartitionState])
        for verb, words in (("pause", "let a schedule, or all of a task, rest"), ("resume", "let them go on")):
            verbs.add_parser(verb, help=words).add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.obey(options)
        except TaskError as error:
            raise CommandError(str(error), returncode=MISUSED) from error
        except AWAY as error:
            raise CommandError(
                f"the database cannot be used: {str(error).strip()}; check DATABASE_URL", returncode=NOT_YET
            ) from error

    def obey(self, options: dict[str, Any]) -> None:
        match options["verb"]:
            case "list":
                found = read_tasks()
                self.say_all([encode(found)] if options["json"] else list_tasks(found))
            case "status":
                self.show_status(options["what"], as_json=options["json"])
            case "run":
                params, priority = read_pairs(options["param"]), read_priority(options["priority"])
                self.leave(run_task(options["name"], params, shell_actor(), priority), options)
            case "backfill":
                params, priority = read_pairs(options["param"]), read_priority(options["priority"])
                days = options["first"], options["last"]
                self.leave(backfill(options["name"], *days, params, shell_actor(), priority), options)
            case "retry":
                self.leave(retry_run(options["run"], shell_actor()), options)
            case "cancel":
                run = cancel_run(options["run"], shell_actor())
                ended = run.state == RunState.CANCELLED
                self.stdout.write(f"run {run.pk} of {run.task} {'is cancelled' if ended else 'ends at its next step'}")
            case "grid":
                self.show_grid(options["name"], options["state"])
            case verb:
                for schedule in set_paused(options["name"], shell_actor(), paused=verb == "pause"):
                    self.stdout.write(f"schedule {schedule.name} {'rests' if schedule.paused else 'goes on'}")

    def show_status(self, what: str | None, *, as_json: bool) -> None:
        """Raises TaskError for a task or a run that is not there."""
        if what is not None and what.isdecimal():
            run = read_run(int(what))
            kept = TaskRun.objects.values_list("traceback", flat=True).get(pk=run.id)
            self.say_all([encode(run)] if as_json else describe_run(run, kept, read_lines(run.id, SHOWN_LINES)))
            self.warn_of_nobody([run])
            return
        task = None if what is None else read_task(what)
        runs = read_runs(task=what, limit=SHOWN_RUNS)
        if as_json:
            self.stdout.write(encode(runs if task is None else {"task": task, "runs": runs}))
            return
        if task is not None:
            self.say_all(describe_task(task))
        self.say_all(list_runs(runs) if runs else ["no run yet"])
        self.warn_of_nobody(runs)

    def warn_of_nobody(self, runs: Iterable[TaskRunStatus]) -> None:
        if any(run.state in ACTIVE for run in runs) and not is_anybody_working():
            self.stderr.write(NOBODY)

    def show_grid(self, name: str, state: str | None) -> None:
        """Raises TaskError for a task that is not there, or has no partitions."""
        if not read_task(name).partitioned:
            raise TaskError(f"{name} has no partitions")
        states = [PartitionState(state)] if state else []
        self.say_all(
            list_partitions(count_partitions(name), read_partitions(name, states=states, limit=SHOWN_PARTITIONS))
        )

    def say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def leave(self, run: TaskRun, options: dict[str, Any]) -> None:
        """Say what was put into the line, and wait for its end where that is wished. Raises CommandError."""
        holder = say_holder(run)
        self.stdout.write(f"run {run.pk} of {run.task} is in the line" + (holder and f": {holder}"))
        if not is_anybody_working():
            self.stderr.write(NOBODY)
        if not options["wait"]:
            return
        line = ProgressLine(self.write_part, is_terminal=self.stdout.isatty())
        try:
            for status in follow(run.pk, options["timeout"]):
                line.show(status)
        except KeyboardInterrupt:
            raise CommandError(
                f"run {run.pk} goes on: `manage.py tasks cancel {run.pk}` ends it", returncode=NOT_YET
            ) from None
        except AWAY as error:
            raise CommandError(
                f"run {run.pk} cannot be followed, for the database is away ({str(error).strip()}): it goes on where "
                f"workers reach it, and `manage.py tasks status {run.pk}` tells more",
                returncode=NOT_YET,
            ) from error
        finally:
            line.end()
        if status.state in (RunState.FAILED, RunState.CANCELLED):
            raise CommandError(
                f"run {run.pk} of {run.task} has {'failed' if status.state is RunState.FAILED else 'been cancelled'}: "
                f"`manage.py tasks status {run.pk}` tells more",
                returncode=FAILED,
            )
        if status.state is not RunState.SUCCEEDED:
            raise CommandError(f"run {run.pk} is {status.state.value} still", returncode=NOT_YET)

    def write_part(self, text: str) -> None:
        """Of a line, at once."""
        self.stdout.write(text, ending="")
        self.stdout.flush()


def read_day(text: str) -> date:
    """Raises ArgumentTypeError, whose words argparse shows; of a ValueError it makes its own."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: it is written 2026-01-31") from None


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Raises TaskError."""
    params: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise TaskError(f"--param {pair} cannot be read: it is NAME=VALUE")
        if name in params:
            raise TaskError(f"--param {name} is given twice: {params[name]} and {value}")
        params[name] = value
    return params


def read_priority(label: str | None) -> Priority | None:
    return None if label is None else Priority[label.upper()]


def encode(content: object) -> str:
    """JSON that people can read as well."""
    return json.dumps(msgspec.to_builtins(content), indent=1)
