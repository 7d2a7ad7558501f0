from datetime import UTC, datetime, timedelta

from indexer.tasks.declaring import Counts, Run, Wait, task


@task()
def linger(run: Run, *, seconds: float = 3600.0) -> Counts:
    """Wait once, for what comes later."""
    if run.cursor is None:
        run.save("waited")
        raise Wait("the budget is spent", datetime.now(UTC) + timedelta(seconds=seconds))
    return Counts(unchanged=1)
