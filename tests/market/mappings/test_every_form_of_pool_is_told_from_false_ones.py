"""What pools of each kind answer, from contracts of that kind on a real chain, and from those that only say so."""

from typing import NamedTuple

from indexer.embedded.chain import World
from indexer.embedded.chain.node import encode_call
from indexer.market.models import ContractMapping, MappingEvidence, Pool
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.tasks.declaring import Counts, LooseRun
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


NOBODY = "0x" + "00" * 20


def verified(form: str) -> Outcome:
    return Outcome(1.0, False, form)


def refuted(form: str) -> Outcome:
    return Outcome(0.2, True, form)


def settle(expected: list[tuple[Pool, str, Outcome]]) -> None:
    map_contracts(LooseRun())
    for pool, address, wanted in expected:
        assert outcome(pool, address) == wanted, (pool.symbol, pool.underlying_tokens, address)


def test_an_atoken_is_the_one_that_its_lending_pool_has(local: World, make: Make, deployer: Deployer) -> None:
    usdc, dai = local.tokens["USDC"], local.tokens["DAI"]
    expected = []
    for version in ("LendingPoolV2", "LendingPoolV3"):
        lending = deployer.deploy(version)
        atoken, debt, stray = (
            deployer.deploy(name, "address,address", lending, usdc) for name in ("AToken", "DebtToken", "AToken")
        )
        deployer.send(lending, encode_call("list(address,address,address)", usdc, atoken, debt))
        expected += [
            (make(atoken, usdc), atoken, verified("aToken")),
            (make(atoken, dai), atoken, refuted("aToken")),
            (make(atoken, usdc, dai), atoken, refuted("aToken")),
            # Nobody is sent a debt token.
            (make(debt, usdc), debt, refuted("aToken")),
            # It has the underlying and names the lending pool, which does not name it.
            (make(stray, usdc), stray, UNDECIDED),
        ]
    alone = deployer.deploy("AToken", "address,address", NOBODY, usdc)
    expected += [
        (make(alone, usdc), alone, verified("aToken")),
        (make(alone, dai), alone, refuted("aToken")),
    ]
    unknown = deployer.deploy("LendingPoolV9")
    atoken = deployer.deploy("AToken", "address,address", unknown, usdc)
    deployer.send(unknown, encode_call("list(address,address,address)", usdc, atoken, dai))
    settle([*expected, (make(atoken, usdc), atoken, UNDECIDED)])
    said = set(MappingEvidence.objects.filter(source="chain").values_list("detail__words", flat=True))
    assert "an aToken of the pool's tokens" in said
    assert f"its lending pool has {expected[5][1]} as the aToken, and it as a debt" in said


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
    share = local.vault
    metapool = deployer.deploy("CurvePool", "address[]", [weth, share])
    many = [f"0x{number:040x}" for number in range(0xC001, 0xC00A)]
    five, eight, nine = (deployer.deploy("CurvePool", "address[]", many[:count]) for count in (5, 8, 9))
    settle(
        [
            (make(three, weth, usdc, dai), three, verified("Curve pool")),
            (make(three, usdc, dai), three, refuted("Curve pool")),
            # Whatever has a list called coins of a single one.
            (make(one, usdc), one, UNDECIDED),
            (make(five, *many[:5]), five, verified("Curve pool")),
            (make(five, *many[:4]), five, refuted("Curve pool")),
            (make(eight, *many[:8]), eight, verified("Curve pool")),
            # Nobody knows how many there are.
            (make(nine, *many[:8]), nine, UNDECIDED),
            (make(nine, *many), nine, UNDECIDED),
            # One of two coins may be a share of another pool, whose tokens are named instead.
            (make(metapool, weth, usdc, dai), metapool, UNDECIDED),
            (make(metapool, weth, share), metapool, verified("Curve pool")),
            (make(metapool, weth, usdc), metapool, refuted("Curve pool")),
            (make(metapool, usdc, dai), metapool, refuted("Curve pool")),
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
    other_factory = deployer.deploy("ForgedFactory")
    pair = deployer.deploy("PairWithFee", "address,address,address", other_factory, usdc, dai)
    deployer.send(other_factory, encode_call("name(address)", pair))
    settle(
        [
            (make(pools[500], usdc, dai, pool_meta="0.05%"), pools[500], verified("pair")),
            (make(pools[3000], usdc, dai), pools[3000], verified("pair")),
            # not every per cent that is named is a fee
            (make(pools[3000], usdc, dai, pool_meta="Range 10%, 0.3%"), pools[3000], verified("pair")),
            (make(pools[3000], usdc, dai, pool_meta="Range 10%"), pools[3000], verified("pair")),
            (make(pools[3000], usdc, dai, pool_meta="Range 10%, 0.05%"), pools[3000], refuted("pair")),
            # the same tokens, another fee
            (make(pools[3000], usdc, dai, pool_meta="0.05%"), pools[3000], refuted("pair")),
            # they name a factory that has none of that fee, or another one
            (make(stray, usdc, dai, pool_meta="0.01%"), stray, refuted("pair")),
            (make(twin, usdc, dai, pool_meta="0.05%"), twin, refuted("pair")),
            # Its factory does not know it by a fee: that of its own may be in any units.
            (make(pair, usdc, dai, pool_meta="0.3%"), pair, verified("pair")),
        ]
    )


def test_coins_may_stand_for_those_that_the_source_names(local: World, make: Make, deployer: Deployer) -> None:
    usdc, dai, weth = (local.tokens[symbol] for symbol in ("USDC", "DAI", "WETH"))
    ausdc = deployer.deploy("AToken", "address,address", NOBODY, usdc)
    cdai = deployer.deploy("CToken", "address", dai)
    vault = deployer.deploy("BalancerVault")
    lent = deployer.deploy("CurvePool", "address[]", [ausdc, cdai])
    half = deployer.deploy("CurvePool", "address[]", [ausdc, dai])
    twice = deployer.deploy("CurvePool", "address[]", [ausdc, usdc])
    boosted = deployer.deploy("BalancerPool", "address,address[]", vault, [local.vault, ausdc])
    pair = local.pairs["WETH/USDC"]
    of_pair, of_atoken = (deployer.deploy("EmptyVault", "address", given) for given in (pair, ausdc))
    settle(
        [
            (make(lent, usdc, dai), lent, verified("Curve pool")),
            (make(lent, ausdc, cdai), lent, verified("Curve pool")),
            (make(lent, usdc, weth), lent, refuted("Curve pool")),
            (make(half, usdc, dai), half, verified("Curve pool")),
            (make(half, weth, dai), half, refuted("Curve pool")),
            # An aToken of USDC is not what a pool of USDC alone holds two of.
            (make(twice, usdc), twice, refuted("Curve pool")),
            (make(twice, usdc, dai), twice, refuted("Curve pool")),
            (make(boosted, weth, usdc), boosted, verified("Balancer pool")),
            (make(boosted, weth, dai), boosted, refuted("Balancer pool")),
            # Anybody may put what another pool gives into a vault.
            (make(of_pair, usdc, weth), of_pair, UNDECIDED),
            (make(of_pair, usdc, dai), of_pair, refuted("ERC-4626 vault")),
            (make(of_atoken, usdc), of_atoken, UNDECIDED),
            (make(of_atoken, ausdc), of_atoken, verified("ERC-4626 vault")),
            (make(of_atoken, weth), of_atoken, refuted("ERC-4626 vault")),
        ]
    )
    said = MappingEvidence.objects.filter(source="chain", mapping__address=lent.lower(), kind="identity")
    assert "a Curve pool of tokens that stand for the pool's" in said.values_list("detail__words", flat=True)


def test_what_moves_with_every_trade_is_no_change(local: World, make: Make, deployer: Deployer) -> None:
    usdc, dai = local.tokens["USDC"], local.tokens["DAI"]
    vault = deployer.deploy("GrowingVault", "address", usdc)
    lending = deployer.deploy("LendingPoolV3")
    atoken = deployer.deploy("AToken", "address,address", lending, usdc)
    deployer.send(lending, encode_call("list(address,address,address)", usdc, atoken, dai))
    balancer = deployer.deploy("BalancerPool", "address,address[]", deployer.deploy("BalancerVault"), [usdc, dai])
    settle(
        [
            (make(vault, usdc), vault, verified("ERC-4626 vault")),
            (make(atoken, usdc), atoken, verified("aToken")),
            (make(balancer, usdc, dai), balancer, verified("Balancer pool")),
        ]
    )
    deployer.send(vault, encode_call("grow()"))
    assert map_contracts(LooseRun()) == Counts(unchanged=ContractMapping.objects.count())


def test_contracts_that_use_up_all_of_the_gas_or_answer_without_end_silence_no_other(
    local: World, make: Make, deployer: Deployer
) -> None:
    usdc = local.tokens["USDC"]
    expected = [
        (make(pair, *(local.tokens[symbol] for symbol in name.split("/"))), pair.lower(), verified("pair"))
        for name, pair in local.pairs.items()
    ]
    for name in ("Bottomless", "Talkative"):
        odd = deployer.deploy(name)
        expected.insert(1, (make(odd, usdc), odd, UNDECIDED))
    settle(expected)
