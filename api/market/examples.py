"""Examples for the schema: one pool of one protocol, the same wherever they appear. Pure."""

from typing import Any

from api.openapi_examples import TIME

Json = dict[str, Any]

POOL_ID = "747c1d2a-c668-4682-b9f9-296708a3dd90"
CONTRACT = "0xae7ab96520de3a18e5e111b5eaab095312d7fe84"
EVER = "2024-01-01T03:00:00Z"

CHAIN = {
    "name": "Ethereum",
    "chain_id": 1,
    "ours": "ethereum",
    "token_symbol": "ETH",
    "gecko_id": "ethereum",
    "cmc_id": "1027",
    "tvl": 63124550123.5,
    "pools": 5120,
    "vanished_at": None,
}
CHAINS = {"chains": [CHAIN]}

LISTED_POOL = {
    "id": POOL_ID,
    "chain": "Ethereum",
    "chain_id": 1,
    "project": "lido",
    "protocol": "182",
    "protocol_name": "Lido",
    "symbol": "STETH",
    "meta": None,
    "underlying_tokens": ["0x0000000000000000000000000000000000000000"],
    "reward_tokens": None,
    "stablecoin": False,
    "il_risk": "no",
    "exposure": "single",
    "tvl": 22105983210.0,
    "apy": 2.61,
    "apy_base": 2.61,
    "apy_reward": None,
    "apy_mean_30d": 2.7,
    "il_7d": None,
    "volume_1d": None,
    "volume_7d": None,
    "outlier": False,
    "url": None,
    "created_at": EVER,
    "vanished_at": None,
    "contract": CONTRACT,
    "confidence": 1.0,
}
POOLS = {"pools": [LISTED_POOL], "next": f"/api/v1/market/pools?cursor=22105983210.0~{POOL_ID}"}
EVIDENCE = {
    "kind": "identity",
    "words": "the contract itself answers as this pool would",
    "source": "chain",
    "detail": {"call": "symbol()", "answer": "stETH"},
    "block": 21680320,
    "seen_at": TIME,
}
MAPPING = {
    "id": 1,
    "pool": POOL_ID,
    "project": "lido",
    "symbol": "STETH",
    "chain": "Ethereum",
    "namespace": "eip155",
    "chain_id": 1,
    "address": CONTRACT,
    "kind": "pool",
    "confidence": 1.0,
    "refuted": False,
    "words": "the contract itself answers as this pool would (chain)",
    "changed_at": TIME,
    "evidence": [EVIDENCE],
}
POOL = {**LISTED_POOL, "mappings": [MAPPING]}
MAPPINGS = {"mappings": [MAPPING], "next": None}

LISTED_PROTOCOL = {
    "id": "182",
    "slug": "lido",
    "name": "Lido",
    "symbol": "LDO",
    "category": "Liquid Staking",
    "parent": None,
    "chains": ["Ethereum"],
    "address": "0x5a98fcbea516cf06857215779fd812ca3bef1b32",
    "url": "https://lido.fi/",
    "logo": None,
    "twitter": "LidoFinance",
    "gecko_id": "lido-dao",
    "cmc_id": "8000",
    "listed_at": None,
    "tvl": 22190011234.0,
    "mcap": 801230044.5,
    "change_1h": 0.1,
    "change_1d": -1.2,
    "change_7d": 4.5,
    "vanished_at": None,
}
PROTOCOLS = {"protocols": [LISTED_PROTOCOL], "next": "/api/v1/market/protocols?cursor=22190011234.0~182"}
PROTOCOL = {
    **LISTED_PROTOCOL,
    "description": "Liquid staking.",
    "chain_tvls": {"Ethereum": 22190011234.0},
    "aliases": [{"slug": "lido", "first_at": EVER, "last_at": None}],
    "pools": 1,
    "pools_tvl": 22105983210.0,
    "best_apy": 2.61,
    "mapped_pools": 1,
}

POOL_DAY = {
    "day": "2025-01-22",
    "tvl": 22105983210.0,
    "apy": 2.61,
    "apy_base": 2.61,
    "apy_reward": None,
    "il_7d": None,
    "volume_1d": None,
    "source": "pools",
}
POOL_DAYS = {"pool": POOL_ID, "days": [POOL_DAY], "next": None}
PROTOCOL_DAY = {"day": "2025-01-22", "tvl": 22190011234.0, "mcap": 801230044.5, "pools": 1, "pools_tvl": 22105983210.0}
PROTOCOL_DAYS = {"protocol": "182", "days": [PROTOCOL_DAY], "next": None}

REJECTED = {
    "rejected": [
        {
            "id": 1,
            "task": "sync-pools",
            "key": POOL_ID,
            "reason": "spike",
            "words": "$.tvlUsd: 9.1e11 is over 5 times 2.2e10, the last value",
            "row": '{"tvlUsd":910000000000}',
            "first_at": TIME,
            "last_at": TIME,
            "times": 1,
        }
    ],
    "next": None,
}
PROPOSAL = {
    "id": 1,
    "state": "proposed",
    "chain": "ethereum",
    "pool": POOL_ID,
    "project": "lido",
    "symbol": "STETH",
    "contract": CONTRACT,
    "confidence": 1.0,
    "entry": {"protocol": "lido", "product": "pool", "event": "Transfer", "contracts": [CONTRACT]},
    "proposed_at": TIME,
    "decided_at": None,
    "decided_by": "",
    "job": None,
}
DISMISSED = {**PROPOSAL, "state": "dismissed", "decided_at": TIME, "decided_by": "key:operator"}
ACCEPTED = {**DISMISSED, "state": "accepted", "job": 1}
PROPOSALS = {"proposals": [PROPOSAL], "next": None}

POOL_SHEET = f"id,chain,chain_id,project,…\r\n{POOL_ID},Ethereum,1,lido,…\r\n"
MAPPING_SHEET = f"id,pool,project,symbol,…\r\n1,{POOL_ID},lido,STETH,…\r\n"
PROTOCOL_SHEET = "id,slug,name,symbol,…\r\n182,lido,Lido,LDO,…\r\n"
POOL_DAY_SHEET = "day,tvl,apy,apy_base,…\r\n2025-01-22,22105983210.0,2.61,2.61,…\r\n"
PROTOCOL_DAY_SHEET = "day,tvl,mcap,pools,pools_tvl\r\n2025-01-22,22190011234.0,801230044.5,1,22105983210.0\r\n"
