"""With a verified pair it is said what is known of the factory that named it: the confidence is the chain's, 1.0."""

import pytest

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.embedded.chain import World
from indexer.embedded.chain.node import encode_call
from indexer.market.factories import SHARED, SILENT, UNKNOWN, WATCHED
from indexer.market.models import ContractMapping, MappingEvidence, Pool, WatchProposal
from indexer.market.proposals import ACCEPT
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import read_watch_list
from indexer.tasks.declaring import Counts, LooseRun
from indexer.workers.live_changes import set_value
from tests.market.mappings.local_pools import Make
from tests.market.mappings.solidity import Deployer

pytestmark = pytest.mark.parametrize("local", ["multicall"], indirect=True)


def said_of(pool: Pool, address: str) -> str:
    """What is said of the factory; the pair is verified, whatever that is."""
    mapping = ContractMapping.objects.get(pool=pool, address=address.lower(), kind="pool")
    assert (mapping.confidence, mapping.refuted) == (1.0, False)
    words: str = MappingEvidence.objects.get(mapping=mapping, kind="identity").detail["factory"]
    return words


def make_pairs(local: World, make: Make, count: int) -> list[tuple[Pool, str]]:
    """So many pairs of the world's own factory, as pools."""
    chosen = list(local.pairs.items())[:count]
    return [(make(pair, *(local.tokens[symbol] for symbol in name.split("/"))), pair) for name, pair in chosen]


def forge(local: World, deployer: Deployer) -> str:
    """A pair of WETH and USDC, and a factory that calls it its own."""
    tokens = sorted(local.tokens[symbol].lower() for symbol in ("WETH", "USDC"))
    factory = deployer.deploy("ForgedFactory")
    pair = deployer.deploy("ForgedPair", "address,address,address", factory, *tokens)
    deployer.send(factory, encode_call("name(address)", pair))
    return pair


def test_a_factory_of_many_pairs_is_known_and_a_forged_one_is_not(local: World, make: Make, deployer: Deployer) -> None:
    forged = forge(local, deployer)
    pool = make(forged, local.tokens["WETH"], local.tokens["USDC"])
    pairs = make_pairs(local, make, 4)
    map_contracts(LooseRun())
    assert said_of(pool, forged) == UNKNOWN
    assert {said_of(*each) for each in pairs} == {SHARED}
    # What is said is no change of what the chain answers.
    again = map_contracts(LooseRun())
    assert again == Counts(unchanged=ContractMapping.objects.count())
    assert said_of(pool, forged) == UNKNOWN


def test_the_same_pair_in_many_pools_vouches_for_nothing(local: World, make: Make, deployer: Deployer) -> None:
    forged = forge(local, deployer)
    pools = [make(forged, local.tokens["WETH"], local.tokens["USDC"]) for _ in range(5)]
    map_contracts(LooseRun())
    assert {said_of(pool, forged) for pool in pools} == {UNKNOWN}


def test_a_factory_becomes_known_when_it_is_watched(local: World, make: Make, chains: list[Chain]) -> None:
    ((pool, pair),) = make_pairs(local, make, 1)
    map_contracts(LooseRun())
    assert said_of(pool, pair) == UNKNOWN
    watch(chains[0], local.factory)
    map_contracts(LooseRun())
    assert said_of(pool, pair) == WATCHED


def test_a_known_factory_that_does_not_say_which_pairs_are_its_own_vouches_for_none(
    local: World, make: Make, deployer: Deployer, chains: list[Chain]
) -> None:
    tokens = sorted(local.tokens[symbol].lower() for symbol in ("WETH", "USDC"))
    silent = deployer.deploy("ConcentratedFactory")
    pair = deployer.deploy("ForgedPair", "address,address,address", silent, *tokens)
    watch(chains[0], silent)
    pool = make(pair, *tokens)
    map_contracts(LooseRun())
    assert said_of(pool, pair) == SILENT


def test_nothing_of_an_unknown_factory_is_accepted_without_a_person(
    local: World, make: Make, deployer: Deployer
) -> None:
    set_value(ACCEPT.name, True, actor="ada")
    forged = forge(local, deployer)
    make(forged, local.tokens["WETH"], local.tokens["USDC"])
    make_pairs(local, make, 4)
    map_contracts(LooseRun())
    states = dict(WatchProposal.objects.values_list("mapping__address", "state"))
    assert states.pop(forged) == "proposed"
    assert set(states.values()) == {"accepted"}
    assert len(states) == 4


def watch(chain: Chain, address: str) -> None:
    event = {"topic0": "0x" + "ab" * 32, "user_topic": 1}
    entry = {"protocol": "dex", "product": "registry", "event": event, "contracts": [address]}
    watch_list = read_watch_list({"chain": chain.slug, "chain_id": chain.chain_id, "watches": [entry]})
    with connect(chain) as connection:
        import_watch_list(connection, watch_list, source="test", chain_floor=chain.floor, prune=False)
