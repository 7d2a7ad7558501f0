"""Which contracts sources name for a pool: every way in which they write them, and what is none."""

from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest
from eth_utils.address import to_checksum_address

from indexer.market.candidates import NATIVE, Place, PoolFacts, find_candidates
from indexer.market.keys import find_keys, keys_of
from indexer.market.score import Evidence, EvidenceKind

POOL = "0x" + "ab" * 20
TOKEN = "0x" + "cd" * 20
MINT = "So11111111111111111111111111111111111111112"
APTOS = "0x" + "1f" * 32 + "::coin::T"


def facts(**of: object) -> PoolFacts:
    given: dict[str, object] = {"id": uuid4(), "chain": "Ethereum", "chain_id": 1, "project": "some-dex"}
    return PoolFacts(**{**given, **of})  # type: ignore[arg-type]


def find(pool: PoolFacts, watched: tuple[str, ...] = ()) -> dict[Place, list[Evidence]]:
    proved = find_keys([pool.id], pool.chain, pool.project, watched)
    return find_candidates(pool, proved.get(pool.id, {}))


def kinds(pool: PoolFacts, watched: tuple[str, ...] = ()) -> set[tuple[str, str, str]]:
    found = find(pool, watched)
    return {(place.address, place.kind, each.kind.value) for place, of in found.items() for each in of}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # nothing is said
        ({}, set()),
        ({"url": f"https://app.example/pools/{POOL.upper().replace('0X', '0x')}?a=1"}, {(POOL, "pool", "url")}),
        ({"url": f"https://app.example/%23/{POOL}"}, {(POOL, "pool", "url")}),
        # a transaction's hash is no address
        ({"url": "https://scan.example/tx/0x" + "ab" * 32}, set()),
        ({"meta": f"0.3% {POOL}"}, {(POOL, "pool", "meta")}),
        ({"old_key": f"{to_checksum_address(POOL)}-ethereum"}, {(POOL, "pool", "named")}),
        ({"old_key": f"{POOL}-ethereum", "token_address": POOL}, {(POOL, "pool", "named")}),
        ({"underlying": [TOKEN]}, {(TOKEN, "token", "underlying")}),
        ({"underlying": [f"ethereum:{TOKEN}"]}, {(TOKEN, "token", "underlying")}),
        # a token that the pool holds is no pool, whoever names it
        (
            {"underlying": [to_checksum_address(TOKEN)], "url": f"https://a.example/{TOKEN}", "token_address": TOKEN},
            {(TOKEN, "token", "underlying")},
        ),
        # the chain's own coin is no contract
        ({"underlying": sorted(NATIVE), "meta": min(NATIVE)}, set()),
        # a source that writes nonsense
        ({"underlying": ["", "ETH", "0x12"]}, set()),
    ],
)
def test_what_sources_name(given: dict[str, object], expected: set[tuple[str, str, str]]) -> None:
    assert kinds(facts(**given)) == expected


@pytest.mark.parametrize(
    ("chain", "namespace", "address"), [("Solana", "solana", MINT), ("Aptos", "aptos", APTOS), ("Sui", "sui", APTOS)]
)
def test_other_chains_keep_their_own_addresses(chain: str, namespace: str, address: str) -> None:
    pool = facts(chain=chain, chain_id=None, url=f"https://a.example/{address}", underlying=["another" + address])
    places = set(find_candidates(pool))
    assert {(place.namespace, place.chain_id, place.address, place.kind) for place in places} >= {
        (namespace, None, address, "pool"),
        (namespace, None, "another" + address, "token"),
    }


@pytest.mark.parametrize("number", range(26))
def test_an_id_of_version_5_proves_its_key(number: int) -> None:
    """In every form that adapters write keys in, by a watched contract that nothing else names."""
    plain = facts(chain="OP Mainnet", chain_id=10)
    keys = list(keys_of(plain.chain, plain.project, POOL))
    key = keys[number % len(keys)]
    pool = facts(id=uuid5(NAMESPACE_URL, key), chain="OP Mainnet", chain_id=10)
    assert kinds(pool, (TOKEN, POOL)) == {(POOL, "pool", "key")}
    ((piece,),) = find(pool, (TOKEN, POOL)).values()
    assert (piece.kind, piece.detail["key"]) == (EvidenceKind.KEY, key)


def test_an_id_of_chance_proves_nothing() -> None:
    assert kinds(facts(id=UUID("747c1d2a-c668-4682-b9f9-296708a3dd90")), (POOL,)) == set()
    assert kinds(facts(id=uuid5(NAMESPACE_URL, "another key")), (POOL,)) == set()


def test_a_proof_of_a_held_token_makes_no_pool_of_it() -> None:
    pool = facts(id=uuid5(NAMESPACE_URL, f"{TOKEN}-ethereum"), underlying=[TOKEN])
    assert kinds(pool, (TOKEN,)) == {(TOKEN, "token", "underlying")}
