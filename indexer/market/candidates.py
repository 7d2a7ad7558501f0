"""Which contracts a pool may be, by what sources say of it; whether it is one of them, `score` says. Pure.

Sources name contracts in many ways: outright (poolTokenAddress), in the key that an adapter has for the pool
("0x…-ethereum"), within a URL or poolMeta, and hashed: the id of a pool created since July 2026 is the UUIDv5 of its
key, so that an address is proved to be in the key, though not that it is the pool's contract.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote
from uuid import UUID

from indexer.market.keys import find_keys
from indexer.market.score import Evidence, EvidenceKind

FREE, PAID = "defillama", "defillama-pro"
"""Sources of evidence: what everybody gets, and what comes with a paid key."""
KEY_SOURCE = "pool id"
"""The source of what a pool's own id proves."""
EVM = "eip155"
NAMESPACES: Mapping[str, str] = MappingProxyType(
    {
        "aptos": "aptos",
        "bitcoin": "bip122",
        "cardano": "cip34",
        "cosmos": "cosmos",
        "cosmoshub": "cosmos",
        "hedera": "hedera",
        "injective": "cosmos",
        "movement": "movement",
        "near": "near",
        "osmosis": "cosmos",
        "polkadot": "polkadot",
        "solana": "solana",
        "stacks": "stacks",
        "starknet": "starknet",
        "stellar": "stellar",
        "sui": "sui",
        "ton": "tvm",
        "tezos": "tezos",
        "tron": "tron",
    }
)
"""CAIP-2 namespaces of chains that are no EVM chains, whatever chain id the source gives them; by the source's name for
them, in lower case."""
KNOWN_NAMESPACES = frozenset(NAMESPACES.values())
LONGEST_NAMESPACE = 30
EVM_ADDRESS = re.compile(r"(?<![0-9a-zA-Z])0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])")
MOVE_ADDRESS = re.compile(r"(?<![0-9a-zA-Z])0x[0-9a-fA-F]{60,64}(?:::\w+::\w+)?")
"""Of a Move chain, or of one of its types."""
OTHER_ADDRESS = MappingProxyType(
    {
        "solana": re.compile(r"(?<![0-9a-zA-Z])[1-9A-HJ-NP-Za-km-z]{32,44}(?![0-9a-zA-Z])"),
        "aptos": MOVE_ADDRESS,
        "sui": MOVE_ADDRESS,
        "starknet": re.compile(r"(?<![0-9a-zA-Z])0x[0-9a-fA-F]{60,64}(?![0-9a-zA-Z])"),
        "hedera": re.compile(rf"(?<![0-9a-zA-Z.])0\.0\.\d{{1,10}}(?![0-9a-zA-Z.])|{EVM_ADDRESS.pattern}"),
        "movement": MOVE_ADDRESS,
        "tron": re.compile(r"(?<![0-9a-zA-Z])T[1-9A-HJ-NP-Za-km-z]{33}(?![0-9a-zA-Z])"),
    }
)
"""How addresses are found within a text; what of other known namespaces is no address by its looks alone."""
NATIVE = frozenset(
    {
        "0x" + "00" * 20,
        "0x" + "ee" * 20,
        "0x" + "00" * 19 + "01",
        "0x" + "00" * 18 + "1010",
        "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000",
    }
)
"""What sources write for a chain's own coin: never a contract."""
NONE: Mapping[str, str] = MappingProxyType({})
LONGEST = 300
"""Characters of an address that is kept."""


class Home(NamedTuple):
    """Where the contracts of a pool are: the chain id is None in all namespaces but that of EVM chains."""

    namespace: str
    chain_id: int | None


def home_of(chain: str, chain_id: int | None) -> Home:
    """That of pools on a chain that the source calls so."""
    namespace = namespace_of(chain, chain_id)
    return Home(namespace, chain_id if namespace == EVM else None)


@dataclass(frozen=True)
class PoolFacts:
    """What is known of a pool. `old_key` is its adapter's own key and `token_address` what it names: with a paid key
    only."""

    id: UUID
    chain: str
    chain_id: int | None
    project: str
    symbol: str = ""
    meta: str | None = None
    url: str | None = None
    underlying: Sequence[str] = ()
    old_key: str | None = None
    token_address: str | None = None

    @property
    def home(self) -> Home:
        return home_of(self.chain, self.chain_id)

    @property
    def namespace(self) -> str:
        return self.home.namespace


class Place(NamedTuple):
    """Where a contract is, and as what: pool or token."""

    namespace: str
    chain_id: int | None
    address: str
    kind: str


def by_chain(pools: Iterable[PoolFacts]) -> dict[int, list[PoolFacts]]:
    """Those of EVM chains, by chain id."""
    of: dict[int, list[PoolFacts]] = defaultdict(list)
    for pool in pools:
        if (chain_id := pool.home.chain_id) is not None:
            of[chain_id].append(pool)
    return of


def namespace_of(chain: str, chain_id: int | None) -> str:
    """Of a chain, by the source's name for it; one of which nobody says anything has its name's own."""
    known = NAMESPACES.get(chain.lower(), EVM if chain_id is not None else None)
    return known or re.sub("[^a-z0-9]+", "-", chain.lower()).strip("-")[:LONGEST_NAMESPACE] or "other"


def find_candidates(
    pool: PoolFacts, proved: Mapping[str, str] = NONE, known: Iterable[tuple[str, Evidence]] = ()
) -> dict[Place, list[Evidence]]:
    """Every contract that something says the pool may be or hold, with what says so.

    `proved` are addresses that are known from elsewhere, as they are stored, each with the key by which the pool's id
    proves it; those that are named here are tried here. `known` are more addresses, each with what speaks for it. An
    address that the pool holds is a token, whoever else names it.
    """
    held = {address: raw for raw in pool.underlying if (address := normal(pool.namespace, raw)) is not None}
    found: dict[Place, list[Evidence]] = {
        Place(*pool.home, address, "token"): [Evidence(EvidenceKind.UNDERLYING, FREE, {"underlyingTokens": raw})]
        for address, raw in held.items()
    }
    for address, evidence in (*named(pool), *known):
        if address not in held:
            pieces = found.setdefault(Place(*pool.home, address, "pool"), [])
            if all((each.kind, each.source) != (evidence.kind, evidence.source) for each in pieces):
                pieces.append(evidence)
    if pool.id.version == 5:
        said = [place.address for place in found if place.kind == "pool"]
        keys = {**proved, **find_keys([pool.id], pool.chain, pool.project, said).get(pool.id, {})}
        for address in sorted(keys.keys() - held.keys()):
            pieces = found.setdefault(Place(*pool.home, address, "pool"), [])
            pieces.append(Evidence(EvidenceKind.KEY, KEY_SOURCE, {"key": keys[address]}))
    return found


def named(pool: PoolFacts) -> Iterator[tuple[str, Evidence]]:
    """The addresses that sources name, surest first."""
    outright = (("poolTokenAddress", pool.token_address), ("pool_old", pool.old_key))
    for field, text in outright:
        for address in addresses_in(pool.namespace, text):
            yield address, Evidence(EvidenceKind.NAMED, PAID, {field: text})
    for kind, field, text in ((EvidenceKind.URL, "url", pool.url), (EvidenceKind.META, "poolMeta", pool.meta)):
        for address in addresses_in(pool.namespace, unquote(text) if text else None):
            yield address, Evidence(kind, FREE, {field: text})


def addresses_in(namespace: str, text: str | None) -> list[str]:
    """The addresses that stand in a text, once each, in its order; never a placeholder for the chain's coin."""
    # A chain of which nothing is known may well be an EVM.
    pattern = OTHER_ADDRESS.get(namespace, None if namespace in KNOWN_NAMESPACES else EVM_ADDRESS)
    if not text or pattern is None:
        return []
    found = (normal(namespace, each[0]) for each in pattern.finditer(text))
    return list(dict.fromkeys(each for each in found if each is not None))


def normal(namespace: str, raw: str) -> str | None:
    """An address as it is stored; None for what is none, and for a placeholder of the chain's coin.

    Those of EVM chains are in lower case, wherever they are; others are as the chain writes them.
    """
    text = raw.strip()
    # Some adapters write chain:0x… for a token.
    address = text.rpartition(":")[2].lower()
    if EVM_ADDRESS.fullmatch(address):
        return None if address in NATIVE else address
    return text if namespace != EVM and 0 < len(text) <= LONGEST else None
