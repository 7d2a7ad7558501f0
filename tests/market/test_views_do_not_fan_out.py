"""The views that people read by SQL: one row for each thing, and sums that are those of the tables themselves."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils.timezone import now

from indexer.chains.models import Chain
from indexer.market.models import ContractMapping, Pool, Protocol
from indexer.tasks.models import TaskRun
from tests.market.listed import LONG_AGO, NOW, forget_market

POOLS, PROTOCOLS = 400, 30


@pytest.fixture
def generated(chain: Chain) -> Iterator[None]:
    """Pools with none to five contracts each, some vanished, some without TVL or protocol; the same every time."""
    forget_market()
    chance = Random(7)
    Protocol.objects.bulk_create(
        Protocol(
            id=str(key), slug=f"p{key}", name=f"P {key}", tvl=key * 1e6, vanished_at=NOW if key % 10 == 9 else None
        )
        for key in range(PROTOCOLS)
    )
    Pool.objects.bulk_create(
        Pool(
            id=UUID(int=key),
            chain_name=chance.choice(("Ethereum", "Base", "Solana")),
            project="p",
            protocol_id=chance.choice((None, *map(str, range(PROTOCOLS - 5)))),
            symbol=f"S{key}",
            # Sums of whole numbers are exact in any order.
            tvl=chance.choice((None, float(chance.randrange(10**9)))),
            apy=chance.choice((None, chance.random() * 100)),
            created_at=LONG_AGO,
            vanished_at=NOW if chance.random() < 0.1 else None,
        )
        for key in range(POOLS)
    )
    ContractMapping.objects.bulk_create(
        ContractMapping(
            pool_id=UUID(int=key),
            namespace="eip155",
            chain_id=1,
            address=f"0x{key:036x}{number:04x}",
            kind=chance.choice(("pool", "pool", "token")),
            confidence=chance.choice((0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
            refuted=chance.random() < 0.1,
        )
        for key in range(POOLS)
        for number in range(chance.randrange(6))
    )
    yield
    forget_market()


def read(statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.usefixtures("generated")
def test_a_protocol_is_one_row_with_the_sums_of_its_own_pools() -> None:
    rows = {row["id"]: row for row in read("SELECT * FROM v_protocol_summary")}
    pools = defaultdict(list)
    for pool in Pool.objects.filter(vanished_at=None, protocol__isnull=False).prefetch_related("mappings"):
        pools[pool.protocol_id].append(pool)
    assert len(rows) == len(read("SELECT * FROM v_protocol_summary")) == PROTOCOLS - 3
    for protocol in Protocol.objects.filter(vanished_at=None):
        own, row = pools[protocol.pk], rows[protocol.pk]
        tvls = [pool.tvl for pool in own if pool.tvl is not None]
        apys = [pool.apy for pool in own if pool.apy is not None]
        sure = [
            any(m.kind == "pool" and not m.refuted and m.confidence >= 0.8 for m in pool.mappings.all()) for pool in own
        ]
        assert (row["pools"], row["chains"], row["mapped_pools"]) == (
            len(own),
            len({pool.chain_name for pool in own}),
            sum(sure),
        )
        # A protocol without a pool that has one has none: that is not zero.
        assert row["pools_tvl"] == (sum(tvls) if tvls else None)
        assert row["best_apy"] == max(apys, default=None)
        assert row["tvl"] == protocol.tvl


@pytest.mark.usefixtures("generated")
def test_a_pool_is_one_row_with_its_surest_contract() -> None:
    rows = read("SELECT * FROM v_top_pools_with_contracts")
    expected = {}
    for pool in Pool.objects.filter(vanished_at=None).prefetch_related("mappings"):
        own = [m for m in pool.mappings.all() if m.kind == "pool" and not m.refuted and m.confidence > 0]
        if own:
            surest = min(own, key=lambda m: (-m.confidence, m.pk))
            expected[pool.pk] = (surest.address, surest.confidence, len(own), pool.tvl)
    found = {row["id"]: (row["contract"], row["confidence"], row["contracts"], row["tvl"]) for row in rows}
    assert len(rows) == len(found)
    assert found == expected
    ordered = [row["tvl"] if row["tvl"] is not None else -1.0 for row in rows]
    assert ordered == sorted(ordered, reverse=True)


@pytest.mark.usefixtures("chain")
def test_a_task_is_one_row_with_its_newest_run_and_its_newest_success() -> None:
    moment = now()
    try:
        for task in ("sync-pools", "sync-chains"):
            for number, state in enumerate(("succeeded", "failed", "succeeded", "running")):
                begun = moment - timedelta(hours=10 - number)
                over = None if state == "running" else begun + timedelta(minutes=5)
                TaskRun.objects.create(
                    task=task, priority=10, state=state, started_at=begun, finished_at=over, created=number
                )
        TaskRun.objects.create(task="map-contracts", priority=10, state="failed", finished_at=moment, error="no node")
        rows = {row["task"]: row for row in read("SELECT * FROM v_sync_status")}
        assert set(rows) == {"sync-pools", "sync-chains", "map-contracts"}
        pools, contracts = rows["sync-pools"], rows["map-contracts"]
        assert (pools["state"], pools["created"], pools["took"]) == ("running", 3, None)
        assert pools["succeeded_at"] == moment - timedelta(hours=8) + timedelta(minutes=5)
        assert pools["age"] > timedelta(hours=7)
        assert (contracts["state"], contracts["error"], contracts["age"]) == ("failed", "no node", None)
    finally:
        TaskRun.objects.all().delete()
