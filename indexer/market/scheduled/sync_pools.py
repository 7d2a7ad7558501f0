from datetime import timedelta

from indexer.market import shapes, targets
from indexer.market.linking import link_pools
from indexer.market.source import open_defillama
from indexer.market.taking import Taking, take
from indexer.tasks.declaring import Counts, Run, task

POOLS = Taking("sync-pools", "/pools", shapes.POOLS, targets.POOLS, targets.read_pools, link_pools, spikes=True)


@task(cron="0 3 * * *", time_limit=900, budgets=("defillama",), fresh_for=timedelta(hours=26))
def sync_pools(run: Run, *, accept: bool = False) -> Counts:
    """Pools with their numbers, from one answer."""
    with open_defillama() as source:
        return take(run, source, POOLS, accept=accept)
