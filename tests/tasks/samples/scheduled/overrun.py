import time

from indexer.tasks.declaring import Retry, Run, task


@task(time_limit=0.2, retry=Retry(attempts=1))
def overrun(run: Run, *, seconds: float = 30.0, heeds: bool = True) -> None:
    """Take longer than it may."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.02)
        if heeds:
            run.progress(0)
