from indexer.market.live import first_kept
from indexer.market.retention import clean
from indexer.tasks.declaring import Counts, Run, task


@task(cron="0 7 * * 0", time_limit=1800)
def cleanup_old_data(run: Run) -> Counts:
    """Let snapshots go that are older than the live setting market.keep_days, and rejected rows after 90 days."""
    return clean(run, first_kept())
