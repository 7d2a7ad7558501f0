"""Workers of tasks as processes of their own, with the samples."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from indexer.tasks.models import TaskRun
from tests.processes import wait_until
from tests.tasks.conftest import SAMPLES
from tests.workers.background_process import BackgroundProcess


@contextmanager
def working(
    folder: Path, count: int = 1, environ: Mapping[str, str] | None = None
) -> Iterator[list[BackgroundProcess]]:
    """So many workers until the end of the block; all have begun."""
    given = {"EXTRA_APPS": SAMPLES, "API_RATE_LIMIT_MS": "50", **(environ or {})}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(BackgroundProcess("tasks", log=folder / f"worker-{number}.log", environ=given))
            for number in range(count)
        ]
        for worker in workers:
            worker.wait_until_it_says("takes runs from the line")
        yield workers


def wait_for(run: TaskRun, state: str, within: float = 30) -> TaskRun:
    def is_so() -> bool:
        run.refresh_from_db()
        return run.state == state

    wait_until(is_so, within, lambda: f"run {run.pk} is {run.state}: {run.why} {run.error}\n{run.traceback}")
    return run
