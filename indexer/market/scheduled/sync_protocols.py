from datetime import timedelta

from indexer.market import shapes, targets
from indexer.market.linking import link_protocols
from indexer.market.source import open_defillama
from indexer.market.taking import Taking, take
from indexer.tasks.declaring import Counts, Run, task

PROTOCOLS = Taking(
    "sync-protocols", "/protocols", shapes.PROTOCOLS, targets.PROTOCOLS, targets.read_protocols, link_protocols
)


@task(cron="0 2 * * *", time_limit=600, budgets=("defillama",), fresh_for=timedelta(hours=26))
def sync_protocols(run: Run, *, accept: bool = False) -> Counts:
    """Protocols by their id, with the slugs that they had."""
    with open_defillama() as source:
        return take(run, source, PROTOCOLS, accept=accept)
