"""What pools of each kind answer, from contracts of that kind on a real chain, and from those that only say so."""

from typing import NamedTuple

from indexer.embedded.chain import World
from indexer.embedded.chain.node import encode_call
from indexer.market.models import ContractMapping, MappingEvidence, Pool
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.tasks.declaring import LooseRun
from tests.market.mappings.local_pools import Make
from tests.market.mappings.solidity import Deployer


class Outcome(NamedTuple):
    """Of a mapping that only a URL names: `form` is how the chain reads it, or none."""

    confidence: float
    refuted: bool
    form: str | None = None


UNDECIDED = Outcome(0.4, False)


def outcome(pool: Pool, address: str) -> Outcome:
    mapping = ContractMapping.objects.get(pool=pool, address=address, kind="pool")
    said = MappingEvidence.objects.filter(mapping=mapping, source="chain").first()
    return Outcome(mapping.confidence, mapping.refuted, said.detail.get("form") if said else None)


def verified(form: str) -> Outcome:
    return Outcome(1.0, False, form)


def refuted(form: str) -> Outcome:
    return Outcome(0.2, True, form)


def settle(expected: list[tuple[Pool, str, Outcome]]) -> None:
    map_contracts(LooseRun())
    for pool, address, wanted in expected:
        assert outcome(pool, address) == wanted, (pool.symbol, pool.underlying_tokens, address)


def test_an_atoken_is_of_its_underlying_only(local: World, make: Make, deployer: Deployer) -> None:
    usdc, dai = local.tokens["USDC"], local.tokens["DAI"]
    atoken = deployer.deploy("AToken", "address", usdc)
    settle(
        [
            (make(atoken, usdc), atoken, verified("aToken")),
            (make(atoken, dai), atoken, refuted("aToken")),
            (make(atoken, usdc, dai), atoken, refuted("aToken")),
        ]
    )


def test_a_balancer_pool_is_the_one_that_its_id_begins_with(local: World, make: Make, deployer: Deployer) -> None:
    usdc, dai, weth = (local.tokens[symbol] for symbol in ("USDC", "DAI", "WETH"))
    vault = deployer.deploy("BalancerVault")
    pool = deployer.deploy("BalancerPool", "address,address[]", vault, [usdc, dai])
    copy = deployer.deploy("BalancerCopy", "address", pool)
    settle(
        [
            (make(pool, usdc, dai), pool, verified("Balancer pool")),
            (make(pool, usdc, weth), pool, refuted("Balancer pool")),
            (make(copy, usdc, dai), copy, UNDECIDED),
            # The vault holds all of them and is none.
            (make(vault, usdc, dai), vault, UNDECIDED),
        ]
    )


def test_a_curve_pool_has_all_of_its_coins(local: World, make: Make, deployer: Deployer) -> None:
    usdc, dai, weth = (local.tokens[symbol] for symbol in ("USDC", "DAI", "WETH"))
    three = deployer.deploy("CurvePool", "address[]", [usdc, dai, weth])
    one = deployer.deploy("CurvePool", "address[]", [usdc])
    settle(
        [
            (make(three, weth, usdc, dai), three, verified("Curve pool")),
            (make(three, usdc, dai), three, refuted("Curve pool")),
            # Whatever has a list called coins of a single one.
            (make(one, usdc), one, UNDECIDED),
        ]
    )


def test_a_concentrated_pool_is_known_to_its_factory_and_of_the_fee(
    local: World, make: Make, deployer: Deployer
) -> None:
    usdc, dai = sorted(local.tokens[symbol].lower() for symbol in ("USDC", "DAI"))
    factory = deployer.deploy("ConcentratedFactory")
    pools = {}
    for fee in (500, 3000):
        create = encode_call("createPool(address,address,uint24)", usdc, dai, fee)
        pools[fee] = "0x" + deployer.send(factory, create)["logs"][0]["data"][-40:]
    stray = deployer.deploy("ConcentratedPool", "address,address,address,uint24", factory, usdc, dai, 100)
    twin = deployer.deploy("ConcentratedPool", "address,address,address,uint24", factory, usdc, dai, 500)
    settle(
        [
            (make(pools[500], usdc, dai, pool_meta="0.05%"), pools[500], verified("pair")),
            (make(pools[3000], usdc, dai), pools[3000], verified("pair")),
            # the same tokens, another fee
            (make(pools[3000], usdc, dai, pool_meta="0.05%"), pools[3000], refuted("pair")),
            # they name a factory that has none of that fee, or another one
            (make(stray, usdc, dai, pool_meta="0.01%"), stray, refuted("pair")),
            (make(twin, usdc, dai, pool_meta="0.05%"), twin, refuted("pair")),
        ]
    )
