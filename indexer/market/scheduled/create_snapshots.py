from datetime import timedelta

from indexer.market.snapshots import snapshot_today
from indexer.tasks.declaring import Counts, Run, task


@task(cron="0 5 * * *", time_limit=900, fresh_for=timedelta(hours=26))
def create_snapshots(run: Run) -> Counts:
    """The day of every pool and protocol, from what was taken in today."""
    return snapshot_today(run)
