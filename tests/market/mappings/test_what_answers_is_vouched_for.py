"""With what a contract answers it is said who vouches for it; where nobody does, nothing is watched without a person.

The confidence is the chain's, 1.0, whoever vouches.
"""

import pytest
from eth_utils.address import to_checksum_address

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.embedded.chain import World
from indexer.embedded.chain.node import encode_call
from indexer.market.identity import ATOKEN, BALANCER, CURVE, PAIR, VAULT
from indexer.market.models import ContractMapping, MappingEvidence, Pool, WatchProposal
from indexer.market.proposals import ACCEPT
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.market.vouching import BESIDE, NOBODY, SHARED, SILENT, STRANGE, WATCHED
from indexer.market.watching import SOURCE
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import read_watch_list
from indexer.tasks.declaring import Counts, LooseRun
from indexer.workers.live_changes import set_value
from tests.market.mappings.local_pools import Make, keyed
from tests.market.mappings.solidity import Deployer

pytestmark = pytest.mark.parametrize("local", ["multicall"], indirect=True)


def said_of(pool: Pool, address: str) -> str:
    """Who vouches; the contract is verified, whoever that is."""
    mapping = ContractMapping.objects.get(pool=pool, address=address.lower(), kind="pool")
    assert (mapping.confidence, mapping.refuted) == (1.0, False)
    words: str = MappingEvidence.objects.get(mapping=mapping, kind="identity").detail["vouched"]
    return words


def state_of(pool: Pool) -> str:
    state: str = WatchProposal.objects.get(mapping__pool=pool).state
    return state


def forge_pairs(token: str, deployer: Deployer, count: int) -> dict[str, str]:
    """Pairs of a token and others that nobody knows, of a factory that calls each its own; the other token by pair."""
    factory = deployer.deploy("ForgedFactory")
    others = [f"0x{number:040x}" for number in range(0xC001, 0xC001 + count)]
    pairs = {deployer.deploy("ForgedPair", "address,address,address", factory, other, token): other for other in others}
    for pair in pairs:
        deployer.send(factory, encode_call("name(address)", pair))
    return pairs


def lend(deployer: Deployer, underlying: str) -> tuple[str, str]:
    """A lending pool and its aToken."""
    lending = deployer.deploy("LendingPoolV3")
    atoken = deployer.deploy("AToken", "address,address", lending, underlying)
    deployer.send(lending, encode_call("list(address,address,address)", underlying, atoken, lending))
    return lending, atoken


def test_nothing_that_a_stranger_deploys_is_accepted_without_a_person(
    local: World, make: Make, deployer: Deployer
) -> None:
    set_value(ACCEPT.name, True, actor="ada")
    usdc, weth = local.tokens["USDC"], local.tokens["WETH"]
    pairs = forge_pairs(weth, deployer, 5)
    lending, atoken = lend(deployer, usdc)
    debt = deployer.deploy("DebtToken", "address,address", lending, weth)
    deployer.send(lending, encode_call("list(address,address,address)", weth, lending, debt))
    vault = deployer.deploy("EmptyVault", "address", usdc)
    balancer = deployer.deploy("BalancerPool", "address,address[]", deployer.deploy("BalancerVault"), [usdc, weth])
    curve = deployer.deploy("CurvePoolWithShares", "address[]", [usdc, weth])
    yes_man = deployer.deploy("YesMan", "address", usdc)
    deployed = {
        **{make(pair, weth, other): (pair, PAIR) for pair, other in pairs.items()},
        make(atoken, usdc): (atoken, ATOKEN),
        make(vault, usdc): (vault, VAULT),
        make(balancer, usdc, weth): (balancer, BALANCER),
        make(curve, usdc, weth): (curve, CURVE),
    }
    make(debt, weth)
    make(yes_man, usdc)
    map_contracts(LooseRun())
    for pool, (address, form) in deployed.items():
        assert said_of(pool, address) == NOBODY[form]
        assert state_of(pool) == "proposed"
    assert WatchProposal.objects.count() == len(deployed)
    found = dict(ContractMapping.objects.filter(kind="pool").values_list("address", "confidence"))
    assert (found[debt], found[yes_man]) == (0.2, 0.4)


def test_what_more_than_its_answers_speaks_for_is_accepted_and_vouches_for_others_of_its_factory(
    local: World, make: Make
) -> None:
    set_value(ACCEPT.name, True, actor="ada")
    *named, (last_name, last) = list(local.pairs.items())[:4]
    pools = [make(pair, *(local.tokens[symbol] for symbol in name.split("/")), id=keyed(pair)) for name, pair in named]
    other = make(last, *(local.tokens[symbol] for symbol in last_name.split("/")))
    vault = make(local.vault, local.tokens["WETH"])
    map_contracts(LooseRun())
    for pool, (_, pair) in zip(pools, named, strict=True):
        assert said_of(pool, pair).startswith(BESIDE)
    assert (said_of(other, last), said_of(vault, local.vault)) == (SHARED, NOBODY[VAULT])
    assert [state_of(pool) for pool in (*pools, other, vault)] == [*["accepted"] * 4, "proposed"]
    # What is said is no change of what the chain answers.
    again = map_contracts(LooseRun())
    assert again == Counts(unchanged=ContractMapping.objects.count())
    assert said_of(other, last) == SHARED


def test_who_is_watched_by_choice_vouches_for_what_it_names(
    local: World, make: Make, deployer: Deployer, chains: list[Chain]
) -> None:
    name, pair = next(iter(local.pairs.items()))
    pool = make(pair, *(local.tokens[symbol] for symbol in name.split("/")))
    lending, atoken = lend(deployer, local.tokens["USDC"])
    lent = make(atoken, local.tokens["USDC"])
    tokens = sorted(local.tokens[symbol].lower() for symbol in ("WETH", "USDC"))
    silent = deployer.deploy("ConcentratedFactory")
    stray = deployer.deploy("ForgedPair", "address,address,address", silent, *tokens)
    strange = make(stray, *tokens)
    # What was proposed may be a stranger's own.
    for address in (local.factory, lending, silent):
        watch(chains[0], address, SOURCE)
    map_contracts(LooseRun())
    assert (said_of(pool, pair), said_of(lent, atoken)) == (NOBODY[PAIR], NOBODY[ATOKEN])
    for address in (local.factory, lending, silent):
        watch(chains[0], address, "test")
    set_value(ACCEPT.name, True, actor="ada")
    map_contracts(LooseRun())
    assert (said_of(pool, pair), said_of(lent, atoken)) == (WATCHED[PAIR], WATCHED[ATOKEN])
    # It does not say which pairs are its own.
    assert said_of(strange, stray) == SILENT
    assert [state_of(each) for each in (pool, lent, strange)] == ["accepted", "accepted", "proposed"]


def test_a_factory_does_not_vouch_for_tokens_that_say_what_they_stand_for(
    local: World, make: Make, deployer: Deployer, chains: list[Chain]
) -> None:
    usdc, dai = local.tokens["USDC"], local.tokens["DAI"]
    # Anybody's token, of which anybody may have a true factory make a pair.
    fake = deployer.deploy("CToken", "address", dai)
    *named, _ = list(local.pairs.items())[:4]
    for name, each in named:
        make(each, *(local.tokens[symbol] for symbol in name.split("/")), id=keyed(each))
    deployer.send(local.factory, encode_call("createPair(address,address)", usdc, fake))
    made = deployer.read(local.factory, encode_call("getPair(address,address)", usdc, fake))
    pair = "0x" + made[-40:]
    pool = make(pair, usdc, dai)
    watch(chains[0], local.factory, "test")
    set_value(ACCEPT.name, True, actor="ada")
    map_contracts(LooseRun())
    assert (said_of(pool, pair), state_of(pool)) == (STRANGE, "proposed")
    proved = make(pair, usdc, dai, id=keyed(pair))
    map_contracts(LooseRun())
    assert said_of(proved, pair).startswith(BESIDE)


def watch(chain: Chain, address: str, source: str) -> None:
    event = {"topic0": "0x" + "ab" * 32, "user_topic": 1}
    contracts = [to_checksum_address(address)]
    entry = {"protocol": "dex", "product": "registry", "event": event, "contracts": contracts}
    watch_list = read_watch_list({"chain": chain.slug, "chain_id": chain.chain_id, "watches": [entry]})
    with connect(chain) as connection:
        import_watch_list(connection, watch_list, source=source, chain_floor=chain.floor, prune=False)
