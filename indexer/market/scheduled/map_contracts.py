"""Which contracts the pools are."""

import uuid
from datetime import timedelta

from django.db import transaction

from indexer.market import mappings
from indexer.market.contracts import Chains, find_contracts, read_old, read_pools
from indexer.market.models import Pool
from indexer.market.proposals import accept_all, propose
from indexer.market.tokens import Tokens
from indexer.market.witnesses import vouch
from indexer.tasks.declaring import Counts, Run, TaskError, task
from indexer.workers.near import hint_at

BATCH = 500
"""Pools of one transaction, and of one round of questions to each chain."""


def find_chain(chain: str) -> str:
    """What the source's pools call this chain, in whatever case it is given. Raises TaskError."""
    name = Pool.objects.filter(chain_name__iexact=chain).values_list("chain_name", flat=True).first()
    if name is None:
        known = Pool.objects.order_by("chain_name").values_list("chain_name", flat=True).distinct()
        hint = hint_at(chain, list(known), "GET /api/v1/market/chains lists them")
        raise TaskError(f"map-contracts: no pool is on a chain {chain!r}; {hint}")
    return name


def check_chain(*, chain: str = "") -> None:
    """Raises TaskError."""
    if chain:
        find_chain(chain)


@task(
    cron="0 4 * * *",
    budgets=("defillama", "defillama-pro", "alchemy", "moralis"),
    time_limit=4 * 3600.0,
    fresh_for=timedelta(hours=26),
    check=check_chain,
)
def map_contracts(run: Run, *, chain: str = "") -> Counts:
    """Find the contracts of all pools, or of one of the source's chains, and propose to watch those that are sure.

    The cursor is the id of the last pool done.
    """
    chain = find_chain(chain) if chain else ""
    after = uuid.UUID(run.cursor["pool"]) if run.cursor else None
    counts = Counts(*run.cursor["counts"]) if run.cursor else Counts()
    pools = Pool.objects.filter(vanished_at=None, **({"chain_name": chain} if chain else {}))
    total = pools.count()
    done = 0 if after is None else pools.filter(id__lte=after).count()
    run.progress(done, total)
    old = read_old(run)
    chains = Chains(run)
    with Tokens(run) as tokens:
        while batch := read_pools(after, BATCH, chain, old):
            found, asked = find_contracts(run, batch, old, chains, tokens, done, total)
            homes = {facts.id: facts.home for facts in batch}
            after = batch[-1].id
            with transaction.atomic():
                for sources in sorted(set(asked.values()), key=sorted):
                    part = {pool: of for pool, of in found.items() if asked[pool] == sources}
                    counts += mappings.store(part, sources, homes)
                run.save({"pool": str(after), "counts": list(counts)})
            done += len(batch)
            run.progress(done, total)
    if after is not None:
        with transaction.atomic():
            vouch(chains.all_chosen())
            run.save({"pool": str(after), "counts": list(counts)})
    proposed = propose()
    accepted = accept_all(run)
    if proposed or accepted:
        run.log.info("%d jobs proposed, %d accepted by market.accept", proposed, accepted)
    return counts
