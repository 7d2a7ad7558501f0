"""A small market with every kind of row, committed and taken away again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from indexer.chains.models import Chain
from indexer.market.models import (
    ContractMapping,
    Document,
    MappingEvidence,
    MarketChain,
    Pool,
    Protocol,
    ProtocolAlias,
    RejectedRow,
    WatchProposal,
)

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
PROPOSAL = 7
LONG_AGO = datetime(2024, 1, 1, 3, tzinfo=UTC)
VAULT = "0x" + "a1" * 20
SHARED = "0x" + "b2" * 20
TOKEN = "0x" + "C3" * 20
SOLANA = "LiquidStakeAddressOfSolanaXXXXXXXXXXXXXXXXX"
DAYS = (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 3))
PARTITIONS = {"2026_10": ("2026-10-01", "2026-11-01"), "2026_11": ("2026-11-01", "2026-12-01")}


def pool_id(number: int) -> UUID:
    return UUID(int=number)


def make_pool(number: int, **fields: Any) -> Pool:
    usual = {"chain_name": "Hilltop", "chain_id": 31337, "project": "vaults", "protocol_id": "1", "symbol": "USDC"}
    return Pool.objects.create(id=pool_id(number), **usual | {"created_at": LONG_AGO} | fields)


def make_mapping(pool: int, address: str, *evidence: str, **fields: Any) -> ContractMapping:
    usual = {"namespace": "eip155", "chain_id": 31337, "kind": "pool", "confidence": 1.0}
    mapping = ContractMapping.objects.create(pool_id=pool_id(pool), address=address, **usual | fields)
    for kind in evidence:
        MappingEvidence.objects.create(mapping=mapping, kind=kind, source="chain", detail={"call": "asset()"}, block=7)
    return mapping


def make_market(chain: Chain) -> None:
    """Two protocols and one that has vanished; four pools and one that has vanished, in no order of their ids."""
    MarketChain.objects.create(name="Hilltop", chain_id=31337, ours=chain, tvl=5e9, token_symbol="HIL")
    MarketChain.objects.create(name="Solana", tvl=None)
    protocol("1", "vaults", "Vaults & Sons", tvl=4e9, category="Yield", chains=["Hilltop", "Solana"])
    protocol("2", "dex-v2", "Dex", category="Dexs", chains=["Hilltop"], symbol="DEX")
    protocol("3", "gone", "Gone", tvl=1.0, vanished_at=NOW)
    ProtocolAlias.objects.create(protocol_id="1", slug="vaults", first_at=LONG_AGO)
    ProtocolAlias.objects.create(protocol_id="3", slug="gone", first_at=LONG_AGO)
    ProtocolAlias.objects.create(protocol_id="2", slug="dex", first_at=LONG_AGO, last_at=NOW)
    ProtocolAlias.objects.create(protocol_id="2", slug="dex-v2", first_at=NOW)
    make_pool(1, tvl=2e6, apy=3.5, stablecoin=True, exposure="single", underlying_tokens=[TOKEN], pool_meta="100%_safe")
    make_pool(2, tvl=3e6, apy=123456.75, project="dex", protocol_id="2", symbol="=HIL-USDC", exposure="multi")
    make_pool(3, tvl=None, apy=None, chain_name="Solana", chain_id=None, symbol="SOL")
    make_pool(4, tvl=2e6, apy=0.0, project="unheard-of", protocol_id=None, symbol="DAI")
    make_pool(5, tvl=9e9, apy=1.0, vanished_at=NOW)
    vault = make_mapping(1, VAULT, "identity", "named", "of-tomorrow")
    make_mapping(1, TOKEN.lower(), "underlying", kind="token", confidence=0.6)
    make_mapping(1, SHARED, "url", "contradiction", confidence=0.2, refuted=True)
    make_mapping(2, SHARED, "url", confidence=0.4)
    make_mapping(3, SOLANA, "key", namespace="solana", chain_id=None, confidence=0.8)
    entry = {"protocol": "vaults", "product": "USDC", "event": "Transfer", "contracts": [VAULT]}
    WatchProposal.objects.create(pk=PROPOSAL, mapping=vault, chain=chain, entry=entry)
    RejectedRow.objects.create(task="sync-pools", key="x", reason="shape", words="$.apy: expected a number", row="{}")
    RejectedRow.objects.create(
        task="sync-pools", key="y", reason="spike", words="$.tvlUsd", row='{"tvlUsd":9}', times=3
    )
    Document.objects.create(name="defillama:/pools", rows=5, taken_at=NOW)
    make_days()


def protocol(key: str, slug: str, name: str, **fields: Any) -> None:
    Protocol.objects.create(id=key, slug=slug, name=name, **fields)


def make_days() -> None:
    with connection.cursor() as cursor:
        for table in ("pool_daily_snapshots", "protocol_daily_snapshots"):
            for month, (first, behind) in PARTITIONS.items():
                cursor.execute(
                    f"CREATE TABLE {table}_{month} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{behind}')"
                )
        for number, day in enumerate(DAYS):
            cursor.execute(
                "INSERT INTO pool_daily_snapshots (day, pool_id, tvl, apy, source) VALUES (%s, %s, %s, %s, 'pools')",
                [day, pool_id(1), 1e6 + number, 3.5 if number else None],
            )
            cursor.execute(
                "INSERT INTO protocol_daily_snapshots (day, protocol_id, tvl, pools, pools_tvl)"
                " VALUES (%s, '2', %s, 1, 3e6)",
                [day, 4e9 + number],
            )


def forget_market() -> None:
    for model in (MarketChain, Pool, Protocol, RejectedRow, Document):
        model.objects.all().delete()
    with connection.cursor() as cursor:
        for month in PARTITIONS:
            cursor.execute(f"DROP TABLE IF EXISTS pool_daily_snapshots_{month}, protocol_daily_snapshots_{month}")


@pytest.fixture
def market(chain: Chain) -> Iterator[None]:
    forget_market()
    make_market(chain)
    yield
    forget_market()
