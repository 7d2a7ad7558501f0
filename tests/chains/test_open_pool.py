"""The endpoints of a chain are opened as one pool; one that serves another chain never gets into it, early or late."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from indexer.chains.endpoints import EndpointsError, open_pool
from indexer.rpc import (
    EndpointPool,
    Limits,
    Node,
    Refused,
    RpcError,
    Rulebook,
    TooLarge,
    Transport,
    WrongChain,
    taught_rule,
)
from tests.rpc.pools import Replica
from tests.rpc.samples import hex_hash
from tests.rpc.scripted import refusing, sending

SECRET = "k3yk3yk3yk3yk3y"
DEAD = sending(b"gone", 503)


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Replica]]:
    """Three endpoints of a chain called attic, chain id 42."""
    started = [Replica(100) for _ in range(3)]
    monkeypatch.setenv("RPC_URLS_ATTIC", ",".join(f"{each.node.url}/{SECRET}" for each in started))
    yield started
    for each in started:
        each.node.stop()


def wait_never(seconds: float) -> None:
    """A pause without a pause."""


def head_of(node: Node) -> str:
    node.header("latest")
    return node.endpoint.label


def asks(pool: EndpointPool, label: str) -> Callable[[], str]:
    """Asks this endpoint of the pool."""
    others = {member.label for member in pool.members} - {label}
    for member in pool.members:
        member.record.breaker.end_rest()
    return lambda: pool.ask(head_of, but=others)


def test_all_that_answer_are_asked(replicas: list[Replica]) -> None:
    told: list[str] = []
    pool = open_pool("attic", 42, wait_never, observe=lambda label, *rest: told.append(label))
    assert pool.newest().number == 100
    assert [state.state for state in pool.states()] == ["well"] * 3
    assert {"local-1", "local-2", "local-3"} <= set(told)
    assert len(pool.usable()) // 2 + 1 == 2


def test_what_was_learned_before_is_known(replicas: list[Replica]) -> None:
    pool = open_pool("attic", 42, wait_never, limits={"local-2": Limits(blocks=500, rate=3.0)})
    assert [member.limits.blocks for member in pool.members] == [None, 500, None]
    assert pool.states()[1].rate == 3.0


def test_what_is_taught_later_holds_for_all_of_them(replicas: list[Replica]) -> None:
    for each in replicas:
        each.fails["eth_getLogs"] = refusing(-32000, "the span of blocks is beyond 3 slices")
    rulebook = Rulebook()
    pool = open_pool("attic", 42, wait_never, rulebook=rulebook)
    with pytest.raises(Refused):
        pool.ask(lambda node: node.range_logs(1, 9, None, []))
    rulebook.teach([taught_rule("the span of blocks is beyond {LIMIT} slices", "TooLarge")])
    for member in pool.members:
        with pytest.raises(TooLarge) as caught:
            member.node.range_logs(1, 9, None, [])
        assert caught.value.limit_blocks == 3


def test_another_chain_id_is_refused(replicas: list[Replica]) -> None:
    replicas[1].chain_id = 1
    with pytest.raises(WrongChain, match="attic: local-2 serves chain id 1, not 42: correct RPC_URLS_ATTIC") as error:
        open_pool("attic", 42, wait_never)
    assert SECRET not in str(error.value)


def test_another_genesis_is_refused(replicas: list[Replica]) -> None:
    replicas[2].genesis_fork = 7
    said = f"local-3 has another block 0, {hex_hash(0, 7)}, than the other endpoints, {hex_hash(0)}"
    with pytest.raises(WrongChain, match=said):
        open_pool("attic", 42, wait_never)


def test_an_endpoint_without_block_0_is_let_in(replicas: list[Replica]) -> None:
    replicas[1].lacks = {0}
    replicas[2].fails["eth_getBlockByNumber"] = refusing(4444, "pruned history unavailable")
    assert [state.state for state in open_pool("attic", 42, wait_never).states()] == ["well"] * 3


def test_one_that_is_down_is_checked_before_its_first_use(replicas: list[Replica]) -> None:
    replicas[0].fails[""] = DEAD
    pool = open_pool("attic", 42, wait_never)
    assert [state.state for state in pool.states()] == ["unchecked", "well", "well"]
    assert pool.newest().number == 100
    with pytest.raises(Transport, match="gone"):
        asks(pool, "local-1")()
    del replicas[0].fails[""]
    replicas[0].node.asked.clear()
    assert asks(pool, "local-1")() == "local-1"
    assert replicas[0].asked == ["eth_chainId", "eth_getBlockByNumber", "eth_getBlockByNumber"]
    assert pool.states()[0].state == "well"


@pytest.mark.parametrize(
    ("chain_id", "genesis", "said"),
    [(1, 0, "local-1 serves chain id 1, not 42"), (42, 7, "local-1 has another block 0")],
)
def test_one_that_is_wrong_late_is_refused_for_good(
    chain_id: int, genesis: int, said: str, replicas: list[Replica]
) -> None:
    replicas[0].fails[""] = DEAD
    pool = open_pool("attic", 42, wait_never)
    del replicas[0].fails[""]
    replicas[0].chain_id, replicas[0].genesis_fork = chain_id, genesis
    ask = asks(pool, "local-1")
    for _ in range(3):
        with pytest.raises(WrongChain, match=said):
            ask()
    assert replicas[0].asked.count("eth_chainId") == 1 + 2, "once at start, twice tried; once when it was there"
    state = pool.states()[0]
    assert (state.state, said in (state.problem or "")) == ("refused", True)
    assert {pool.ask(head_of) for _ in range(50)} <= {"local-2", "local-3"}
    with pytest.raises(WrongChain, match=said):
        head_of(pool.members[0].node)


def test_nobody_gets_by_the_check(replicas: list[Replica]) -> None:
    replicas[0].fails[""] = DEAD
    pool = open_pool("attic", 42, wait_never)
    del replicas[0].fails[""]
    replicas[0].chain_id = 1
    view = pool.for_purpose("audit")
    pool.members[0].record.breaker.end_rest()
    with pytest.raises(WrongChain):
        view.members[0].node.range_logs(1, 2, None, [])
    assert "eth_getLogs" not in replicas[0].asked


def test_without_any_answer_every_endpoint_says_why(replicas: list[Replica]) -> None:
    replicas[0].fails[""] = DEAD
    replicas[1].fails[""] = refusing(-32000, f"bad key {SECRET}")
    replicas[2].node.stop()
    with pytest.raises(RpcError) as error:
        open_pool("attic", 42, wait_never)
    said = str(error.value)
    assert "local-1" in said
    assert "bad key <local-2>" in said
    assert "local-3" in said
    assert SECRET not in said
    assert "127.0.0.1" not in said


def test_without_urls_it_says_what_to_set() -> None:
    with pytest.raises(EndpointsError, match="set RPC_URLS_CELLAR"):
        open_pool("cellar", 42, wait_never)


def test_what_interrupts_a_pause_interrupts_the_opening(replicas: list[Replica]) -> None:
    class Stopped(Exception):
        pass

    def stop(seconds: float) -> None:
        raise Stopped

    for each in replicas:
        each.fails[""] = DEAD
    with pytest.raises(Stopped):
        open_pool("attic", 42, stop)
