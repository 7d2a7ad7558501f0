import time

from django.db import transaction

from indexer.tasks.declaring import Retry, Run, task


@task(time_limit=0.2, retry=Retry(attempts=1))
def overrun(run: Run, *, seconds: float = 30.0, heeds: bool = True) -> None:
    """Take longer than it may; where it heeds nothing, with its own row in hand."""
    until = time.monotonic() + seconds
    with transaction.atomic():
        if not heeds:
            run.save(1)
        while time.monotonic() < until:
            time.sleep(0.02)
            if heeds:
                run.progress(0)
