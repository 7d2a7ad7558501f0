"""See and steer the workers of this deployment."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.utils.termcolors import colorize
from django.utils.timezone import now

from indexer.access.audit import shell_actor
from indexer.chains.command import FootprintCommand
from indexer.workers.errands import ACTIONS
from indexer.workers.forgetting import StillThere, forget
from indexer.workers.management.commands.oversee import find_place
from indexer.workers.meant import Known, NotMeant, find_meant
from indexer.workers.models import WorkerLine, WorkerRow
from indexer.workers.programs import NO_WORKERS
from indexer.workers.status_table import Line, describe, describe_process, lay_out
from indexer.workers.statuses import Status, read_statuses
from indexer.workers.steering import order, steer
from indexer.workers.supervisor import Phase, Process, Supervisor, SupervisorAway, SupervisorRefuses

ALL = "all"
FOLLOW_EVERY = 1.0
UP = frozenset({Phase.STARTING, Phase.RUNNING, Phase.STOPPING, Phase.STOPPED})
"""Phases of a program that has told nothing of itself in which nobody need do anything."""


class Command(FootprintCommand):
    help = (
        "See and steer workers. `status` tells of all, and leaves with 1 when one is not well. `start`, `stop` and "
        "`restart` ask the supervisord of this machine, or else leave an order for the overseer of the worker's; "
        "NAME may be all, and is PROGRAM@HOST where several machines run the program. `logs` shows what a worker has "
        "logged, from any machine. `forget` removes one that has ended and is planned no more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run-dir", help="the run folder of run_workers (default: run/ in the state folder)")
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", help="what to do")
        status = verbs.add_parser("status", help="how each worker is")
        status.add_argument("--json", action="store_true", help="as programs read it")
        for action in ACTIONS:
            steering = verbs.add_parser(action, help=f"{action} a worker")
            steering.add_argument("name", metavar="NAME", help=f"the worker, or {ALL}")
            steering.add_argument("--why", default="", help="for the worker's history")
        forgetting = verbs.add_parser("forget", help="tell no more of a worker that has ended")
        forgetting.add_argument("name", metavar="NAME")
        forgetting.add_argument("--why", default="", help="for the audit")
        logs = verbs.add_parser("logs", help="what a worker has logged")
        logs.add_argument("name", metavar="NAME")
        logs.add_argument("-n", type=int, default=50, metavar="LINES", help="so many of the newest (default: 50)")
        logs.add_argument("-f", action="store_true", dest="follow", help="go on with what comes, until Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        place = find_place(options["run_dir"])
        self.host = place.host
        self.supervisor = Supervisor(place.socket)
        try:
            self.processes: Mapping[str, Process] = self.supervisor.processes()
            self.away = ""
        except (SupervisorAway, SupervisorRefuses) as error:
            self.processes, self.away = {}, str(error)
        if options["verb"] == "status":
            self.show_status(as_json=options["json"])
        elif options["verb"] == "logs":
            self.show_logs(self.find(options["name"]), options["n"], follow=options["follow"])
        elif options["verb"] == "forget":
            self.forget(options["name"], options["why"])
        else:
            self.steer(options["name"], options["verb"], options["why"])

    def show_status(self, *, as_json: bool) -> None:
        """Raises CommandError where a worker is not well, or nobody knows how they are."""
        statuses, database = self.read()
        told = {status.program for status in statuses if status.host == self.host}
        silent = [process for name, process in self.processes.items() if name not in told]
        unknown = [words for words in (database, self.away) if words]
        if as_json:
            answer = {
                "workers": [status.to_json() for status in statuses],
                "processes": {process.name: process.phase.value for process in silent},
                "unknown": unknown,
            }
            self.stdout.write(json.dumps(answer, indent=1))
        else:
            lines = [describe(status, now()) for status in statuses] + [self.describe_silent(each) for each in silent]
            for line in lay_out(lines, self.colour):
                self.stdout.write(line)
            for words in unknown:
                self.stderr.write(f"not known: {words}")
        bad = [status.name for status in statuses if not status.healthy]
        bad += [process.name for process in silent if process.phase not in UP]
        if bad:
            raise CommandError(f"not well: {', '.join(bad)}")
        if database:
            raise CommandError("nobody knows how the workers are while the database is away")

    def read(self) -> tuple[list[Status], str]:
        """The statuses, and what kept them from being read."""
        try:
            with connection.cursor() as cursor:
                return read_statuses(cursor), ""
        except DatabaseError as error:
            return [], f"what the workers say, as the database is away: {str(error).strip()}"

    def describe_silent(self, process: Process) -> Line:
        words = "no heartbeat" if process.name not in NO_WORKERS else ""
        return describe_process(process.name, process.phase.value.lower(), process.error or words)

    def colour(self, text: str, colour: str) -> str:
        has_colours = self.stdout.isatty() and self.style.ERROR(text) != text
        return colorize(text, fg=colour) if has_colours else text

    def steer(self, name: str, action: str, why: str) -> None:
        failed = []
        for each in self.choose(name):
            try:
                self.stdout.write(f"{each.name}: {self.steer_one(each, action, why)}")
            except (SupervisorAway, SupervisorRefuses, TimeoutError) as error:
                self.stderr.write(f"{each.name}: {error}")
                failed.append(each.name)
        if failed:
            raise CommandError(f"{action} has failed for {', '.join(failed)}")

    def steer_one(self, worker: Known, action: str, why: str) -> str:
        if process := self.process_of(worker):
            return steer(self.supervisor, process, action, name=worker.name, actor=shell_actor(), why=why)
        try:
            is_new = order(worker.name, action, shell_actor(), why)
        except DatabaseError as error:
            raise SupervisorAway(
                f"no supervisord of this machine runs it, and no order can be left: {error}"
            ) from error
        words = "ordered" if is_new else "ordered already"
        return f"{words}; the overseer of its machine will {action} it ({self.away or 'it does not run on this one'})"

    def forget(self, name: str, why: str) -> None:
        worker = self.find(name)
        try:
            forget(worker.name, shell_actor(), why)
        except StillThere as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"nothing is forgotten, as the database is away: {str(error).strip()}") from error
        self.stdout.write(f"{worker.name}: forgotten")

    def choose(self, name: str) -> list[Known]:
        """The workers that are meant. Raises CommandError."""
        if name != ALL:
            return [self.find(name)]
        return sorted(each for each in self.known() if each.program not in NO_WORKERS)

    def find(self, name: str) -> Known:
        """Raises CommandError for a name that nobody has, and for one that several have."""
        try:
            return find_meant(name, self.known())
        except NotMeant as error:
            raise CommandError(str(error)) from error

    def known(self) -> list[Known]:
        """Every worker that has a row, and this machine's programs that have none; these alone while the database is
        away."""
        try:
            rows = [Known(*row) for row in WorkerRow.objects.values_list("name", "program", "host")]
        except DatabaseError:
            rows = []
        told = {row.program for row in rows if row.host == self.host}
        return rows + [Known(program, program, self.host) for program in self.processes if program not in told]

    def process_of(self, worker: Known) -> Process | None:
        """What this machine's supervisord has of it."""
        return self.processes.get(worker.program) if worker.host == self.host else None

    def show_logs(self, worker: Known, count: int, *, follow: bool) -> None:
        of_it = WorkerLine.objects.filter(worker=worker.name).order_by("-id")
        try:
            lines = list(of_it[: max(count, 1)])
        except DatabaseError as error:
            self.show_file(worker, count, str(error).strip())
            return
        self.print_lines(lines[: max(count, 0)])
        newest = lines[0].pk if lines else 0
        with suppress(KeyboardInterrupt):
            while follow:
                time.sleep(FOLLOW_EVERY)
                lines = list(of_it.filter(pk__gt=newest))
                self.print_lines(lines)
                newest = lines[0].pk if lines else newest

    def print_lines(self, newest_first: Sequence[WorkerLine]) -> None:
        for line in reversed(newest_first):
            self.stdout.write(f"{line.at:%Y-%m-%d %H:%M:%S} {line.level} {line.logger}: {line.text}")
        self.stdout.flush()

    def show_file(self, worker: Known, count: int, away: str) -> None:
        """The program's own output instead, where supervisord keeps it. Raises CommandError where it does not."""
        process = self.process_of(worker)
        if process is None:
            raise CommandError(f"the database is away ({away}), and {self.away or 'it does not run on this machine'}")
        lines = self.supervisor.read_lines(process, count)
        if lines is None:
            raise CommandError(f"the database is away ({away}), and without LOG_DIR supervisord keeps no lines")
        self.stderr.write(f"the database is away ({away}); from supervisord:")
        for line in lines:
            self.stdout.write(line)
