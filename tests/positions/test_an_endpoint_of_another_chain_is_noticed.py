"""Section 5.3, row 15: what stands behind an endpoint becomes another chain while the worker runs."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from indexer.chains.endpoints import check_chain_id, identify
from indexer.embedded.chain.anvil import Anvil
from indexer.rpc import Endpoint
from tests import evm
from tests.positions.pool_fixtures import fill
from tests.positions.trio import Trio, three_proxies
from tests.positions.world import A, B, C, World, grow
from tests.rpc.scripted import sending


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[evm.Chain]:
    """Another chain on which the same contracts log."""
    anvil = Anvil(31338, tmp_path_factory.mktemp("elsewhere")).start()
    try:
        chain = evm.Chain(anvil)
        chain.deploy(A, B, C)
        yield chain
    finally:
        anvil.stop()


@pytest.fixture
def trio(world: World, elsewhere: evm.Chain) -> Iterator[Trio]:
    """Complete but for its past, with endpoints whose chain can be asked for."""
    fill(world)
    with three_proxies(world) as proxies:
        checks = {
            f"local-{place}": partial(check, f"local-{place}", proxy.url) for place, proxy in enumerate(proxies, 1)
        }
        trio = Trio(world, proxies, checks=checks, checked=list(checks))
        trio.watch()
        trio.follow(12)
        elsewhere.mine(max(1, trio.evm.head() + 4 - elsewhere.head()))
        yield trio


def check(label: str, url: str) -> None:
    check_chain_id("hilltop", label, identify(Endpoint(url, label), lambda seconds: None, 1), 31337)


def silently(trio: Trio, liars: int) -> None:
    """From one request to the next."""


def after_a_rest(trio: Trio, liars: int) -> None:
    """After it had been away."""
    trio.lie(liars, lambda call: sending(b"gone", 503))
    trio.follow(3)
    trio.heal()


@pytest.mark.parametrize("turn", [silently, after_a_rest], ids=lambda turn: turn.__name__)
@pytest.mark.parametrize("liars", [1, 2, 3], ids=lambda liars: f"{liars}-of-3")
def test_it_is_refused_until_it_is_the_chain_again(
    trio: Trio, elsewhere: evm.Chain, liars: int, turn: Callable[[Trio, int], None]
) -> None:
    rows, cursor = trio.rows(), trio.cursor
    turn(trio, liars)
    first = trio.labels.index(trio.pool.choose().label)
    turned = [trio.proxies[(first + place) % 3] for place in range(liars)]
    for proxy in turned:
        proxy.to = elsewhere.url
    grow(trio.evm, 2)
    trio.clock.now += 10
    trio.follow(12)
    trio.read_past(3)
    if liars < 3:
        assert trio.is_true()
    else:
        assert (trio.rows(), trio.cursor) == (rows, cursor)
    assert trio.asked < 500
    assert trio.setting("rewind")["count"] == 0
    for proxy in turned:
        proxy.to = trio.evm.url
    trio.recover()
    assert trio.is_true()
    assert trio.setting("rewind")["count"] == 0
    assert {state.state for state in trio.pool.states()} == {"well"}


def test_no_range_of_it_is_taken_for_one_of_the_chain(trio: Trio, elsewhere: evm.Chain) -> None:
    """It is whole in itself, but has not the block that was final."""
    # The first draws of this seed try no endpoint by lot.
    trio.pool._random.seed(1)
    asked = trio.labels.index(trio.pool.choose().label)
    trio.proxies[asked].to = elsewhere.url
    trio.read_past(3)
    assert trio.is_true()
    assert trio.proxies[asked].ranges()


def test_the_chain_is_named_and_the_endpoint_counted_as_refused(trio: Trio, elsewhere: evm.Chain) -> None:
    for proxy in trio.proxies:
        proxy.to = elsewhere.url
    grow(trio.evm, 1)
    trio.clock.now += 10
    trio.follow(6)
    states = trio.pool.states()
    assert {state.state for state in states} == {"refused"}
    assert all(f"{state.label} serves chain id 31338, not 31337" in (state.problem or "") for state in states)
    before = sum(len(proxy.asked("eth_chainId")) for proxy in trio.proxies)
    trio.follow(12)
    assert sum(len(proxy.asked("eth_chainId")) for proxy in trio.proxies) == before, "it is not asked at every step"
