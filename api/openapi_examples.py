"""Examples for the schema: one chain, one job, one address, the same wherever they appear."""

from typing import Any

Json = dict[str, Any]

ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
POOL = "0x028171bCA77440897B824Ca71D1c56caC55b68A3"
NFT = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
HASH = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
TAG = 'W/"2f0c6f1b9d0e4a7c8b5d3e2f1a0b9c8d"'
TIME = "2025-01-22T06:26:40Z"
LABEL = {"protocol": "aave-v2", "product": "a-token"}
CHAIN = {"chain": "ethereum", "chain_id": 1}
IN_PATHS: dict[str, str | int] = {
    "address": ADDRESS,
    "chain": "ethereum",
    "contract": POOL,
    "job": 1,
    "pool": "747c1d2a-c668-4682-b9f9-296708a3dd90",
    "protocol": "lido",
    "proposal": 1,
    "task": "sync-pools",
    "run": 7,
    "schedule": 1,
}

AS_OF = {"block": 21680384, "hash": HASH, "timestamp": 1737527200, "final": 21680320}
CHAIN_STATE = {
    **CHAIN,
    "from": 0,
    "as_of": AS_OF,
    "head": 21680384,
    "complete": True,
    "check_also": {"count": 0, "contracts": []},
    "verified": {"weakest": "claimed", "usual": "proved"},
}
FOUND_POOL = {"contract": POOL, "labels": [LABEL], "first_block": 11362579, "metadata": {}}
LOOKUP = {"address": ADDRESS, "chains": [{**CHAIN_STATE, "pools": [FOUND_POOL]}]}
QUESTION = {"addresses": [ADDRESS], "chains": ["ethereum"]}
BATCH = {"chains": [CHAIN_STATE], "addresses": [{"address": ADDRESS, "chains": {"ethereum": [FOUND_POOL]}}]}
USER_POOLS = {"data": {"1": {"contractAddresses": [POOL, NFT], "metadata": {NFT: ["123"]}}, "8453": [POOL]}}

OVERVIEW = {
    **CHAIN,
    "name": "Ethereum",
    "floor": 0,
    "head": 21680384,
    "processed": 21680384,
    "final": 21680320,
    "lag": 0,
    "processed_at": TIME,
    "healthy": True,
    "complete": True,
    "check_also": 0,
    "jobs": {"new": 0, "pending": 0, "complete": 1, "put aside": 0, "disabled": 0, "retired": 0},
}
CHAINS = {"chains": [OVERVIEW]}

JOB = {
    "id": 1,
    "contract": POOL,
    "event": "Transfer",
    "topic0": "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    "labels": [{"source": "default", **LABEL}],
    "floor": 11360000,
    "live_from": 21600001,
    "state": "complete",
    "complete": True,
    "unreadable": 0,
    "error": None,
    "next_attempt": None,
}
JOB_DETAIL = {**JOB, "covered": [{"from": 11360000, "to": 21680384}], "unreadable_blocks": []}
JOBS = {"jobs": [JOB], "next": "/api/v1/chains/ethereum/jobs?cursor=1"}
NEW_JOB = {"contract": POOL, "event": "Transfer", **LABEL, "start_block": 11360000}
RESCAN = {"from_block": 17000000}

WATCHED_POOL = {
    **CHAIN,
    "contract": POOL,
    "labels": [LABEL],
    "enabled": True,
    "floor": 11360000,
    "complete": True,
    "unreadable": 0,
}
RUN = {
    "from": 11360000,
    "to": 21600000,
    "level": "agreed",
    "endpoints": ["rpc-1", "rpc-2"],
    "log_count": 3187,
    "digest": "0x9f2c6e0d3b7a41585c0e9d8b7a6f5e4d",
    "read_at": TIME,
}
HEAD_RUN = {**RUN, "from": 21600001, "to": 21680320, "level": "proved"}
PROOF = {
    "address": ADDRESS,
    **CHAIN,
    "contract": POOL,
    "as_of": AS_OF,
    "verdict": {
        "kind": "touched",
        "first_block": 11362579,
        "exact": True,
        "transaction": HASH,
        "log_index": 42,
        "level": "proved",
        "endpoints": ["rpc-1"],
        "why": None,
    },
    "weakest": "agreed",
    "jobs": [
        {
            "job": 1,
            "event": "Transfer",
            "enabled": True,
            "floor": 11360000,
            "unreadable": 0,
            "ranges": [RUN, HEAD_RUN],
        }
    ],
}
COVERAGE = {
    **CHAIN,
    "as_of": AS_OF,
    "head": 21680384,
    "complete": True,
    "verified": {"weakest": "agreed", "usual": "agreed"},
    "levels": {"agreed": 10240001, "proved": 80384},
    "runs": [{**RUN, "by": 1}, {**HEAD_RUN, "by": "latest"}],
    "above_final": [{**HEAD_RUN, "from": 21680321, "to": 21680384, "by": "latest", "read_at": None}],
    "next": None,
}
POOLS = {"pools": [WATCHED_POOL], "next": f"/api/v1/pools?cursor=1%3A{POOL}"}
POOL_DETAIL = {**WATCHED_POOL, "as_of": AS_OF, "jobs": [JOB]}
POOL_ADDRESSES = {
    **CHAIN,
    "contract": POOL,
    "as_of": AS_OF,
    "complete": True,
    "unreadable": 0,
    "addresses": [{"address": ADDRESS, "first_block": 11362579}],
    "next": None,
}

WATCH_LIST = {**CHAIN, "watches": [{**LABEL, "event": "Transfer", "contracts": [POOL]}]}
IMPORT = {
    **CHAIN,
    "source": "default",
    "dry_run": False,
    "entries": 1,
    "without_event": 0,
    "added": 1,
    "enabled_again": 0,
    "replaced": 0,
    "disabled": 0,
    "floor_lowered": 0,
    "labels": 1,
    "changes": [
        {
            "kind": "added",
            "job": 1,
            "contract": POOL,
            "event": "Transfer",
            "floor": 0,
            "labels": ["aave-v2/a-token"],
        }
    ],
}

SUPPORT = {
    "aave-v2": [
        {
            "protocolDetails": {
                "chainId": 1,
                "protocolId": "aave-v2",
                "productId": "a-token",
                "positionType": None,
                "name": None,
                "description": None,
            },
            "chains": [1],
            "userEvent": "Transfer",
            "protocolTokenAddresses": [POOL],
        }
    ]
}

HEALTH = {
    "status": "healthy",
    "chains": {
        "ethereum": {
            "chain_id": 1,
            "last_processed_block": 21680384,
            "head_block": 21680384,
            "updated_at": TIME,
            "blocks_behind": 0,
            "healthy": True,
            "status": "healthy",
            "since": None,
            "why": None,
            "remedy": None,
        }
    },
}
READY = {
    "status": "ready",
    "obstacles": [],
    "chains": {
        "ethereum": {
            "ready": True,
            "processed_block": 21680384,
            "head_block": 21680384,
            "processed_at": TIME,
            "lag_blocks": 0,
            "lag_seconds": 9,
        }
    },
    "datasets": [
        {"name": "sync-pools", "newest": TIME, "age": 600.0, "promised": 93600.0, "stale": False, "trouble": ""}
    ],
}
METRICS = """# HELP footprint_ready 1: /health/ready answers that nothing is in the way.
# TYPE footprint_ready gauge
footprint_ready 1.0
"""
WORKER = {
    "name": "worker-ethereum",
    "kind": "chain",
    "healthy": True,
    "enabled": True,
    "state": "healthy",
    "why": "",
    "since": TIME,
    "lastRun": TIME,
    "errorRate": 0.0,
    "itemsPerMinute": 5.0,
    "latency": 0.4,
    "restartCount": 0,
    "memory": 96468992,
    "lag": 9.0,
    "needsPerson": None,
}
WORKERS = {"workers": [WORKER], "maintenance": False, "meanings": {"healthy": "it works"}}
