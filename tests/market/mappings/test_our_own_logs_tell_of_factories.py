"""What a watched factory has made of a pool's tokens, and at its fee, is a source like others: its logs are ours.

The chain worker reads the logs; then the chain is out of reach, so that no contract answers for itself.
"""

import pytest

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.embedded.chain import Anvil, World
from indexer.embedded.chain.node import encode_call
from indexer.market.models import ContractMapping, MappingEvidence, Pool, WatchProposal
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import read_watch_list
from indexer.tasks.declaring import Counts, LooseRun
from tests.market.mappings.local_pools import Make
from tests.market.mappings.solidity import Deployer
from tests.processes import run

pytestmark = pytest.mark.parametrize("local", ["multicall"], indirect=True)

PAIR = "event PairCreated(address indexed token0, address indexed token1, address pair, uint256)"
POOL = (
    "event PoolCreated(address indexed one, address indexed two, uint24 indexed fee, int24 tickSpacing, address pool)"
)
OF_PAIRS = (("token0", "pair"), ("token1", "pair"))
OF_POOLS = (("one", "pool"), ("two", "pool"), ("pool", "fee"))
NOWHERE = "http://127.0.0.1:9"


def watch(chain: Chain, url: str, factory: str, abi: str, roles: tuple[tuple[str, str], ...], project: str) -> None:
    """Have the chain watch the factory, by a job for each user and metadata, until it has read all there is."""
    watches = [
        {
            "protocol": project,
            "product": "factory",
            "event": {"abi": abi, "user": user, "metadata": metadata},
            "contracts": [factory],
        }
        for user, metadata in roles
    ]
    wanted = read_watch_list({"chain": chain.slug, "chain_id": chain.chain_id, "watches": watches})
    with connect(chain) as beside:
        import_watch_list(beside, wanted, source="test", chain_floor=0, prune=False)
    run("run_chain_worker", chain.slug, "--until-synced", urls={chain.slug: url})


def confidences(pool: Pool) -> dict[str, float]:
    """By address, of what may be the pool."""
    return dict(ContractMapping.objects.filter(pool=pool, kind="pool").values_list("address", "confidence"))


def test_pairs(local: World, make: Make, chains: list[Chain], monkeypatch: pytest.MonkeyPatch, anvil: Anvil) -> None:
    (name, pair), (other_name, other) = list(local.pairs.items())[:2]
    tokens, others = ([local.tokens[symbol] for symbol in each.split("/")] for each in (name, other_name))
    watch(chains[0], anvil.url, local.factory, PAIR, OF_PAIRS, "some-dex")
    unnamed = make(pair, *reversed(tokens), url=None)
    named = make(other, *others)
    wrongly_named = make(other, *tokens)
    of_others = make(pair, *tokens, url=None, project="some-other-dex")
    of_three = make(pair, *tokens, local.vault, url=None)
    monkeypatch.setenv("RPC_URLS_HILLTOP", NOWHERE)
    map_contracts(LooseRun())
    assert confidences(unnamed) == {pair.lower(): 0.6}
    assert confidences(named) == {other.lower(): 0.8}
    assert confidences(wrongly_named) == {pair.lower(): 0.6, other.lower(): 0.4}
    assert confidences(of_others) == confidences(of_three) == {}
    said = MappingEvidence.objects.get(mapping__pool=unnamed, kind="factory")
    assert (said.source, said.detail["made_by"], said.detail["tokens"]) == (
        "own logs",
        local.factory.lower(),
        sorted(token.lower() for token in tokens),
    )
    assert said.block is not None
    assert "fee" not in said.detail
    assert WatchProposal.objects.filter(mapping__pool=named).count() == 1
    assert map_contracts(LooseRun()) == Counts(unchanged=ContractMapping.objects.count())
    # What is said falls with its job, and so does its mapping.
    with connect(chains[0]) as beside:
        beside.execute("UPDATE jobs SET enabled = false WHERE user_argument = 'token1'")
    map_contracts(LooseRun())
    assert confidences(unnamed) == {pair.lower(): 0.0}
    assert confidences(named) == {other.lower(): 0.4}


def test_pools_with_fees(
    local: World,
    make: Make,
    deployer: Deployer,
    chains: list[Chain],
    monkeypatch: pytest.MonkeyPatch,
    anvil: Anvil,
) -> None:
    weth, usdc, dai = (local.tokens[symbol] for symbol in ("WETH", "USDC", "DAI"))
    factory = deployer.deploy("ConcentratedFactory")
    made = [create(deployer, factory, *of) for of in ((weth, usdc, 500), (weth, usdc, 3000), (dai, usdc, 100))]
    watch(chains[0], anvil.url, factory, POOL, OF_POOLS, "some-dex")
    url = "https://dex.example/pools"
    cheap = make(made[0], weth, usdc, pool_meta="0.05%", url=url)
    dear = make(made[1], usdc, weth, pool_meta="Range 10%, 0.3%", url=f"{url}/{made[1]}")
    of_no_fee = make(made[0], weth, usdc, url=url)
    of_a_fee_that_no_pool_has = make(made[0], weth, usdc, pool_meta="1%", url=url)
    only_one = make(made[2], usdc, dai, url=url)
    monkeypatch.setenv("RPC_URLS_HILLTOP", NOWHERE)
    map_contracts(LooseRun())
    assert confidences(cheap) == {made[0]: 0.6}
    assert confidences(dear) == {made[1]: 0.8}
    assert confidences(of_no_fee) == confidences(of_a_fee_that_no_pool_has) == {}
    assert confidences(only_one) == {made[2]: 0.6}
    assert MappingEvidence.objects.get(mapping__pool=dear, kind="factory").detail["fee"] == "0.3%"
    # It has positions and no receipts: nobody could be found by Transfer.
    assert not WatchProposal.objects.filter(mapping__pool=dear).exists()
    # Once the chain answers again it has the last word.
    monkeypatch.setenv("RPC_URLS_HILLTOP", anvil.url)
    map_contracts(LooseRun())
    assert {confidences(pool)[address] for pool, address in zip((cheap, dear), made, strict=False)} == {1.0}


def create(deployer: Deployer, factory: str, one: str, two: str, fee: int) -> str:
    receipt = deployer.send(factory, encode_call("createPool(address,address,uint24)", one, two, fee))
    data: str = receipt["logs"][0]["data"]
    return "0x" + data[-40:]
