"""DeFiLlama as it answers: generated protocols, chains, pools and charts, the same for the same seed.

Shapes: DefiLlama/api-docs 3a45e4e (July 2026) and yield-server e638965 (August 2026). Some rows have what surprises:
null TVL, an APY above 10,000 %, native and non-EVM tokens, chains with display names and without a chain id.
"""

import hashlib
import random
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tests.standin.table import Table

SIZES = {"small": (200, 1000), "true": (8248, 50_000)}
"""Protocols and pools."""
DAYS = 365
CHAINS: tuple[tuple[str, int | None, str], ...] = (
    ("Ethereum", 1, "ETH"),
    ("BSC", 56, "BNB"),
    ("Base", 8453, "ETH"),
    ("Arbitrum", 42161, "ETH"),
    ("Polygon", 137, "POL"),
    ("OP Mainnet", 10, "ETH"),
    ("Avalanche", 43114, "AVAX"),
    ("Gnosis", 100, "XDAI"),
    ("ZKsync Era", 324, "ETH"),
    ("Hyperliquid L1", 999, "HYPE"),
    ("Linea", 59144, "ETH"),
    ("Scroll", 534352, "ETH"),
    ("Solana", None, "SOL"),
    ("Aptos", None, "APT"),
    ("Tron", None, "TRX"),
)
CATEGORIES = ("Dexs", "Lending", "Liquid Staking", "Yield", "CDP", "Options", "Bridge", "RWA")
SYMBOLS = ("USDC", "USDT", "DAI", "WETH", "WBTC", "STETH", "ARB", "OP", "CRV", "BAL")
NATIVE = "0x0000000000000000000000000000000000000000"
LIST = (b"[", b"]")
IN_DATA = (b'{"status":"success","data":[', b"]}")
CHART = re.compile(r"/chart/(.+)")
PAID = re.compile(r"/(?P<key>[^/]+)/yields/pools(Old|Pro)")
UNPAID = re.compile(r"/yields/.*|/(lsdRates|poolsBorrow|forks|emissions)(/.*)?")
"""What only a paid key is answered."""
Contract = Mapping[str, Any]
"""A deployed contract that is to be a pool: chain, chain_id, address, symbol, underlying (a list); if wanted also
project, meta, id (the pool's), pool_old, url, tvl and apy."""


class DefiLlama:
    """`tables` by path can be changed; charts follow from a pool's id. `today` is the last day of every chart."""

    def __init__(
        self, size: str = "small", seed: int = 1, contracts: tuple[Contract, ...] = (), today: date | None = None
    ):
        protocols, pools = SIZES[size]
        self._seed = seed
        self._today = today or datetime.now(UTC).date()
        chance = random.Random(seed)
        named = [name for name, _, _ in CHAINS] + [each["chain"] for each in contracts]
        self.tables: dict[str, Table] = {
            "/v2/chains": Table("name", make_chains(chance, contracts), LIST),
            "/protocols": Table("id", make_protocols(chance, protocols, named), LIST),
            "/pools": Table("pool", make_pools(chance, pools, protocols, contracts), IN_DATA),
        }
        self._contracts = {pool_id_of(each): each for each in contracts}

    def find(self, path: str) -> Table | None:
        """The answer of a path; None where there is none, or for an unpaid path.

        Paid answers are made when they are first asked for: what changes in /pools later, is not in them. Charts are
        made each time, for thousands of them would fill the memory.
        """
        if path in self.tables:
            return self.tables[path]
        if chart := CHART.fullmatch(path):
            return (
                Table("timestamp", make_chart(self._seed, chart[1], self._today), IN_DATA)
                if is_uuid(chart[1])
                else None
            )
        if PAID.fullmatch(path):
            return self.keep(path, Table("pool", map(self._tell_more, self.tables["/pools"].rows), IN_DATA))
        if path == "/config/yields":
            return self.keep(path, Table("", self._config(), (b'{"protocols":{', b"}}")))
        return None

    def keep(self, path: str, table: Table) -> Table:
        """What a path is answered from now on."""
        return self.tables.setdefault(path, table)

    def _tell_more(self, row: bytes) -> bytes:
        pool = msgspec.json.decode(row)
        contract = self._contracts.get(pool["pool"], {})
        address = contract.get("address") or made_address(pool["pool"])
        old = contract.get("pool_old") or f"{address.lower()}-{pool['chain'].lower()}"
        more = {"pool_old": old, "poolTokenAddress": address, "url": contract.get("url") or f"https://a.example/{old}"}
        return msgspec.json.encode(pool | more)

    def _config(self) -> Iterator[bytes]:
        for row in self.tables["/protocols"].read():
            yield msgspec.json.encode({row["slug"]: {"category": row["category"], "name": row["name"]}})[1:-1]


def refusal(path: str) -> tuple[int, bytes]:
    """What a path that has no answer is answered, with the words of the source."""
    if CHART.fullmatch(path):
        return 400, b"invalid configID!"
    if UNPAID.fullmatch(path):
        return 402, b"Upgrade to the paid API plan"
    return 404, b"Not found"


def make_chains(chance: random.Random, contracts: tuple[Contract, ...]) -> Iterator[bytes]:
    own = {each["chain"]: each["chain_id"] for each in contracts}
    known = [(name, number, symbol) for name, number, symbol in CHAINS if name not in own]
    small = [(f"Chain {number}", 700_000 + number, "TOK") for number in range(105)]
    for place, (name, chain_id, symbol) in enumerate([*known, *((name, own[name], "ETH") for name in own), *small]):
        yield msgspec.json.encode(
            {
                "gecko_id": name.lower().replace(" ", "-") if place % 5 else None,
                "tvl": round(chance.lognormvariate(18, 3), 4),
                "tokenSymbol": symbol,
                "cmcId": str(1000 + place) if place % 5 else None,
                "name": name,
                "chainId": chain_id,
            }
        )


def make_protocols(chance: random.Random, count: int, chains: list[str]) -> Iterator[bytes]:
    for number in range(count):
        on = chance.sample(chains, chance.choice((1, 1, 1, 2, 4)))
        tvl = {chain: round(chance.lognormvariate(13, 3), 2) for chain in on}
        borrowed = {f"{on[0]}-borrowed": 12.5, "staking": 7.25, "pool2": 0} if number % 4 == 0 else {}
        yield msgspec.json.encode(
            {
                "id": str(number + 1),
                "name": f"Protocol {number}",
                "address": (f"{on[0].lower()}:{made_address(f'token {number}')}", None, "-")[number % 3],
                "symbol": f"P{number}" if number % 3 == 0 else "-",
                "url": f"https://protocol-{number}.example",
                "description": f"Protocol {number} lets people lend, borrow and swap on {', '.join(on)}. " * 5,
                "chain": on[0] if len(on) == 1 else "Multi-Chain",
                "logo": f"https://icons.llama.fi/protocol-{number}.png",
                "audits": "2",
                "audit_links": [],
                "gecko_id": f"protocol-{number}" if number % 3 == 0 else None,
                "cmcId": str(20_000 + number) if number % 3 == 0 else None,
                "category": CATEGORIES[number % len(CATEGORIES)],
                "chains": on,
                "module": f"protocol-{number}/index.js",
                "twitter": f"protocol_{number}",
                "oracles": [],
                "forkedFromIds": [],
                "listedAt": 1_600_000_000 + number * 20_000,
                "methodology": "All that lies in its contracts is counted. " * 3,
                "slug": f"protocol-{number}",
                "tvl": None if number % 50 == 7 else round(sum(tvl.values()), 2),
                "chainTvls": tvl | borrowed,
                "change_1h": round(chance.gauss(0, 1), 6),
                "change_1d": round(chance.gauss(0, 3), 6) if number % 9 else None,
                "change_7d": round(chance.gauss(0, 9), 6),
                "parentProtocol": f"parent#group-{number // 10}" if number % 10 < 2 else None,
                "mcap": round(chance.lognormvariate(16, 2), 2) if number % 3 == 0 else None,
            }
        )


def make_pools(chance: random.Random, count: int, protocols: int, contracts: tuple[Contract, ...]) -> Iterator[bytes]:
    for contract in contracts:
        yield msgspec.json.encode(make_pool(chance, 0, protocols) | pool_of(contract))
    for number in range(count - len(contracts)):
        yield msgspec.json.encode(make_pool(chance, number, protocols))


def make_pool(chance: random.Random, number: int, protocols: int) -> dict[str, Any]:
    # A few chains have most pools, as it is.
    chain, chain_id, _ = CHAINS[int(len(CHAINS) * chance.random() ** 2)]
    symbols = chance.sample(SYMBOLS, 1 + number % 2)
    base = round(chance.lognormvariate(1, 1.2), 5)
    reward = round(chance.lognormvariate(0, 1), 5) if number % 3 == 0 else None
    wild = 12_345.6789 if number % 997 == 0 else 0.0
    tokens = [made_token(f"{symbol} {chain}", chain_id) for symbol in symbols]
    if number % 20 == 0 and chain_id is not None:
        tokens[0] = NATIVE
    return {
        "chain": chain,
        "project": f"protocol-{int(protocols * chance.random() ** 2)}",
        "symbol": "-".join(symbols),
        "tvlUsd": int(chance.lognormvariate(13, 2)) + 10_000,
        "apyBase": base + wild,
        "apyReward": reward,
        "apy": round(base + wild + (reward or 0), 5),
        "rewardTokens": [made_token(f"reward {number % 50}", chain_id)] if reward else None,
        "pool": str(UUID(int=chance.getrandbits(128), version=4)),
        "apyPct1D": round(chance.gauss(0, 1), 5),
        "apyPct7D": round(chance.gauss(0, 2), 5),
        "apyPct30D": round(chance.gauss(0, 3), 5) if number % 4 else None,
        "stablecoin": all(symbol in ("USDC", "USDT", "DAI") for symbol in symbols),
        "ilRisk": "yes" if len(symbols) == 2 else "no",
        "exposure": "multi" if len(symbols) == 2 else "single",
        "predictions": {
            "predictedClass": ("Stable/Up", "Down", None)[number % 3],
            "predictedProbability": 74 if number % 3 < 2 else None,
            "binnedConfidence": 1 + number % 3,
        },
        "poolMeta": ("0.3%", None, "V3 market", None)[number % 4],
        "mu": round(base, 5),
        "sigma": 0.05236,
        "count": number % 1200,
        "outlier": number % 100 == 3,
        "underlyingTokens": tokens if number % 25 else None,
        "il7d": -0.01 if number % 6 == 0 else None,
        "apyBase7d": base if number % 6 == 0 else None,
        "apyMean30d": base,
        "volumeUsd1d": round(chance.lognormvariate(9, 2), 2) if len(symbols) == 2 else None,
        "volumeUsd7d": round(chance.lognormvariate(11, 2), 2) if len(symbols) == 2 else None,
        "apyBaseInception": None,
    }


def pool_of(contract: Contract) -> dict[str, Any]:
    """What a real contract says of its pool."""
    return {
        "chain": contract["chain"],
        "project": contract.get("project", "protocol-0"),
        "symbol": contract["symbol"],
        "pool": pool_id_of(contract),
        "poolMeta": contract.get("meta"),
        "underlyingTokens": list(contract["underlying"]),
        "tvlUsd": contract.get("tvl", 1_000_000),
        "apy": contract.get("apy", 4.2),
    }


def pool_id_of(contract: Contract) -> str:
    """The id that is given, or one that says nothing of the address."""
    return str(contract.get("id") or UUID(bytes=digest(contract["address"].lower())[:16], version=4))


def make_chart(seed: int, pool: str, today: date) -> Iterator[bytes]:
    chance = random.Random(f"{seed} {pool}")
    tvl, apy = chance.lognormvariate(14, 1), chance.lognormvariate(1, 1)
    for back in range(DAYS - 1, -1, -1):
        tvl *= 1 + chance.gauss(0, 0.01)
        apy *= 1 + chance.gauss(0, 0.02)
        at = datetime.combine(today - timedelta(days=back), time(23, 1, 12, 345_000), UTC)
        yield msgspec.json.encode(
            {
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "tvlUsd": int(tvl),
                "apy": round(apy, 5),
                "apyBase": round(apy, 5),
                "apyReward": None,
                "il7d": None,
                "apyBase7d": None,
                "pricePerShare": None,
            }
        )


def made_address(name: str) -> str:
    return f"0x{digest(name).hex()[:40]}"


def made_token(name: str, chain_id: int | None) -> str:
    """An address of an EVM chain, or what another chain's token may be called."""
    return made_address(name) if chain_id is not None else f"So{digest(name).hex()[:40]}"


def digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
