from datetime import timedelta

from indexer.market import shapes, targets
from indexer.market.linking import link_chains
from indexer.market.source import open_defillama
from indexer.market.taking import Taking, take
from indexer.tasks.declaring import Counts, Run, task

CHAINS = Taking("sync-chains", "/v2/chains", shapes.CHAINS, targets.CHAINS, targets.read_chains, link_chains)


@task(cron="0 1 * * *", time_limit=600, budgets=("defillama",), fresh_for=timedelta(hours=26))
def sync_chains(run: Run, *, accept: bool = False) -> Counts:
    """Chains with their TVL and chain ids, joined to ours."""
    with open_defillama() as source:
        return take(run, source, CHAINS, accept=accept)
