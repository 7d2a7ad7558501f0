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


@pytest.mark.parametrize(
    ("chain", "chain_id", "namespace", "token"),
    [
        # Nobody has listed these chains, and what they write is no EVM address.
        ("Algorand", None, "algorand", "31566704"),
        ("Hydration", None, "hydration", "5"),
        ("MultiversX", None, "multiversx", "USDC-c76f1f"),
        ("Movement", None, "movement", "0x" + "a1" * 32),
        ("Flow", None, "flow", "A.1654653399040a61.FlowToken"),
        ("Sky  Net (New)", None, "sky-net-new", "sky1xyz"),
        ("链", None, "other", "x"),
        # in whatever case the name is
        ("Ton", None, "tvm", "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"),
        ("TON", None, "tvm", "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"),
        # A chain id makes no EVM of a chain that is none.
        ("Tron", 728126428, "tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("Hedera", 295, "hedera", "0.0.456858"),
        # Their EVM addresses are written as everywhere.
        ("Hedera", 295, "hedera", "0x" + "cd" * 20),
        ("Sky Net", None, "sky-net", "0x" + "cd" * 20),
    ],
)
def test_what_other_chains_call_their_tokens_is_kept(
    chain: str, chain_id: int | None, namespace: str, token: str
) -> None:
    written = token.upper().replace("0X", "0x") if len(token) == 42 and token.startswith("0x") else token
    (place,) = find_candidates(facts(chain=chain, chain_id=chain_id, underlying=[written]))
    assert place == Place(namespace, None, token, "token")


@pytest.mark.parametrize(
    ("chain", "chain_id", "text", "address"),
    [
        ("Tron", 728126428, "https://sun.io/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("Hedera", 295, "https://a.example/v0.0.1/pool/0.0.456858", "0.0.456858"),
        ("Hedera", 295, f"https://a.example/{POOL}", POOL),
        # It may be an EVM of which nobody has told us yet.
        ("Sky Net", None, f"https://a.example/{to_checksum_address(POOL)}", POOL),
        ("Near", None, f"https://a.example/{POOL}", None),
    ],
)
def test_addresses_are_found_by_what_the_chain_writes(
    chain: str, chain_id: int | None, text: str, address: str | None
) -> None:
    found = find_candidates(facts(chain=chain, chain_id=chain_id, url=text))
    assert [place.address for place in found] == ([] if address is None else [address])
    assert all(place.chain_id is None for place in found)


def test_an_id_of_version_5_proves_its_key_on_other_chains_too() -> None:
    pool = facts(id=uuid5(NAMESPACE_URL, f"{MINT}-solana"), chain="Solana", chain_id=None, meta=f"Whirlpool {MINT}")
    assert kinds(pool) == {(MINT, "pool", "meta"), (MINT, "pool", "key")}
    assert {place.namespace for place in find(pool)} == {"solana"}
    # There are no other cases of it.
    assert all(MINT in key for key in keys_of("Solana", "some-dex", MINT))


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
