import time

from indexer.tasks.declaring import Counts, Run, task
from tests.tasks.samples.diary import note


@task(alone=False, budgets=("sample",))
def ask(run: Run, *, times: int = 10, file: str = "") -> Counts:
    """Ask an API so many times."""
    for number in range(times):
        run.reserve("sample")
        note(file, time.monotonic())
        run.progress(number + 1, times)
    return Counts(unchanged=times)
