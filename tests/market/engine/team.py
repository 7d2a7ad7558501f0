"""Workers of tasks as processes, some of which are killed while they have a run in hand."""

import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from indexer.chains.connections import Connection
from indexer.tasks.models import TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.states import OVER
from tests.processes import wait_until
from tests.workers.background_process import BackgroundProcess

PATIENCE = 120.0
# Nobody waits for the twelve seconds after which a worker that does not beat has vanished: tests/tasks do.
BURY = """
UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'
WHERE id = (SELECT worker_id FROM procrastinate_jobs WHERE id = %(job)s)
"""
BURY_RUN = """
UPDATE task_runs SET beat_at = beat_at - interval '1 minute' WHERE id = %(run)s AND worker = %(worker)s
"""


class Team:
    """Workers, all of which are stopped at the end; `took` has the least seconds that a task took undisturbed."""

    def __init__(self, folder: Path, environ: Mapping[str, str], connection: Connection) -> None:
        self.took: dict[str, float] = {}
        self.kills: list[TaskRun] = []
        self._folder = folder
        self._environ = environ
        self._connection = connection
        self._workers: list[BackgroundProcess] = []
        self._started = 0
        self._chance = random.Random(7)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, count: int) -> None:
        """So many more; all of them have begun."""
        for worker in [self._start_one() for _ in range(count)]:
            worker.wait_until_it_says("takes runs from the line")

    def _start_one(self) -> BackgroundProcess:
        self._started += 1
        log = self._folder / f"worker-{self._started}.log"
        worker = self._stack.enter_context(BackgroundProcess("tasks", log=log, environ=self._environ))
        self._workers.append(worker)
        return worker

    def do(self, name: str, params: Mapping[str, object]) -> TaskRun:
        """One run, to its good end."""
        run = finish(enqueue(name, params))
        took = ((run.finished_at or run.queued_at) - (run.started_at or run.queued_at)).total_seconds()
        self.took[name] = min(took, self.took.get(name, took))
        return run

    def disturb(self, name: str, params: Mapping[str, object], kills: int) -> TaskRun:
        """The same; the worker that has it in hand is killed so often, each time at another moment of its work."""
        run = enqueue(name, params)
        for number in range(kills):
            wait_until(lambda: has_begun(run), PATIENCE)
            # Only the last one may hit the end of the work, after which there is nothing left to kill, or miss it.
            part = 1.0 if number == kills - 1 else 0.5
            time.sleep(self._chance.random() * part * self.took[name])
            self.kill(run)
        finish(run)
        self.kills += [run] * run.takeovers
        return run

    def kill(self, run: TaskRun) -> None:
        """The worker of a run, if one has it in hand; another one is there instead, and has taken it over."""
        run.refresh_from_db()
        pid = int(run.worker.split()[-1])
        worker = next((each for each in self._workers if each.process.pid == pid), None)
        if run.state in OVER or worker is None:
            return
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.wait()
        run.refresh_from_db()
        claim = run.claim
        values = {"job": run.job_id, "run": run.pk, "worker": run.worker}
        self._connection.execute(BURY, values)
        self._connection.execute(BURY_RUN, values)
        # Its words are not waited for: it may have done much of the run by the time that they are read.
        self._start_one()
        wait_until(lambda: is_over(run) or run.claim > claim, PATIENCE)


def finish(run: TaskRun) -> TaskRun:
    wait_until(lambda: is_over(run), PATIENCE, lambda: f"run {run.pk} of {run.task} is {run.state}: {run.why}")
    assert run.state == "succeeded", f"{run.task}: {run.why} {run.error}\n{run.traceback}"
    return run


def is_over(run: TaskRun) -> bool:
    run.refresh_from_db()
    return run.state in OVER


def has_begun(run: TaskRun) -> bool:
    run.refresh_from_db()
    return run.state == "running" or run.state in OVER
