import time

from django.db import transaction

from indexer.tasks.declaring import Counts, Retry, Run, task
from tests.tasks.samples.diary import note


@task(retry=Retry(attempts=2, first=0.1, jitter=0))
def count_up(run: Run, *, steps: int = 3, pause: float = 0.0, file: str = "") -> Counts:
    """Count, from where it had got to."""
    begin = run.cursor or 0
    note(file, f"begin {begin}")
    for step in range(begin, steps):
        run.progress(step, steps)
        time.sleep(pause)
        with transaction.atomic():
            run.save(step + 1)
        note(file, f"step {step}")
    run.progress(steps, steps)
    note(file, "end")
    return Counts(created=steps - begin)
