"""Which endpoint is asked: mostly the quickest that fails least, the others now and then, and none that rests."""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc import Inconsistent, Limits, Need, Node, Refused, RpcError, Transport
from indexer.rpc.breaker import FAILURES
from indexer.rpc.member import BLAMES
from indexer.rpc.score import EXPLORE, STICKY, Score, Usual, pick

from .pools import Clock, Replica, StartReplica, pool_of
from .scripted import Sent, sending

DEAD = sending(b"busy", 503)


def slowed(replica: Replica, clock: Clock, seconds: list[float]) -> Replica:
    """Its answers take so many seconds of the clock; the list may change meanwhile."""

    def slow(request: Any) -> Sent:
        clock.now += seconds[0]
        return replica.answer(request)

    replica.node.always = slow
    return replica


def head_of(node: Node) -> str:
    node.header("latest")
    return node.endpoint.label


def test_who_takes_short_ranges_only_is_not_quick(replica: StartReplica, clock: Clock) -> None:
    replicas = [slowed(replica(5000), clock, [seconds]) for seconds in (0.1, 0.8)]
    pool = pool_of(*replicas, clock=clock, limits={"local-1": Limits(blocks=10)})
    need = Need(last=10, first=10, blocks=1000)
    asked = Counter(pool.ask(head_of, need) for _ in range(300))
    assert asked["local-2"] > 250, "ten blocks come sooner than a thousand, and a hundred times as often"
    assert pool.choose(need, but={"local-2"}).label == "local-1"
    assert Counter(pool.ask(head_of) for _ in range(300))["local-1"] > 250


def test_the_quickest_is_asked_mostly_and_the_others_now_and_then(replica: StartReplica, clock: Clock) -> None:
    replicas = [slowed(replica(1), clock, [seconds]) for seconds in (0.4, 0.1, 0.2)]
    pool = pool_of(*replicas, clock=clock)
    asked = Counter(pool.ask(head_of) for _ in range(600))
    assert asked["local-2"] > 500
    assert min(asked["local-1"], asked["local-3"]) >= 3


def test_one_that_fails_is_asked_rarely(replica: StartReplica, clock: Clock) -> None:
    shaky, steady = replica(1), slowed(replica(1), clock, [0.2])
    pool = pool_of(shaky, steady, clock=clock)
    turns = cycle([shaky.answer, DEAD])

    def half(request: Any) -> Sent:
        clock.now += 0.1
        return next(turns)(request)

    shaky.node.always = half
    asked = Counter(pool.ask(head_of) for _ in range(300))
    assert asked["local-2"] > 200


def test_one_that_has_become_quick_is_found_out(replica: StartReplica, clock: Clock) -> None:
    seconds = [1.0]
    replicas = [slowed(replica(1), clock, seconds), slowed(replica(1), clock, [0.2])]
    pool = pool_of(*replicas, clock=clock)
    for _ in range(50):
        pool.ask(head_of)
    seconds[0] = 0.01
    for _ in range(800):
        pool.ask(head_of)
    assert Counter(pool.ask(head_of) for _ in range(100)).most_common(1)[0][0] == "local-1"


def test_the_same_is_asked_as_long_as_it_is_about_as_good() -> None:
    random = Random(1)
    picks = Counter(pick([1.0, 1.0 * STICKY, 5.0], 1, random) for _ in range(2000))
    assert picks[1] > 2000 * (1 - EXPLORE) - 100
    assert Counter(pick([1.0, 1.1 * STICKY], 1, random) for _ in range(2000)).most_common(1)[0][0] == 0


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=6), st.integers(0, 2**32))
def test_a_choice_is_one_of_those_offered(costs: list[float], seed: int) -> None:
    for used in (None, *range(len(costs))):
        assert 0 <= pick(costs, used, Random(seed)) < len(costs)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.booleans()), max_size=200))
def test_a_score_stays_within_bounds(measures: list[tuple[float, bool]]) -> None:
    score, usual = Score(), Usual()
    for seconds, failed in measures:
        score.note(usual.ratio("eth_getLogs", seconds), failed=failed)
    assert 0 <= score.errors <= 1
    assert 0 < score.cost < float("inf")


def test_the_kind_of_question_does_not_count() -> None:
    logs, headers, usual = Score(), Score(), Usual()
    for _ in range(200):
        logs.note(usual.ratio("eth_getLogs", 5.0), failed=False)
        headers.note(usual.ratio("eth_getBlockByNumber", 0.05), failed=False)
    assert logs.cost == pytest.approx(headers.cost)


def test_a_quick_failure_is_no_quick_answer() -> None:
    usual, quick, steady = Usual(), Score(), Score()
    for _ in range(20):
        steady.note(usual.ratio("eth_getLogs", 1.0), failed=False)
    quick.note(usual.ratio("eth_getLogs", 0.001), failed=True)
    assert quick.cost > steady.cost


def test_a_rest_that_was_waited_for_is_over_whatever_the_clock_says(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.fails[""] = DEAD
    pool = pool_of(only, clock=clock, pause=clock.waits.append, attempts=1)
    for _ in range(FAILURES):
        with pytest.raises(Transport):
            pool.ask(head_of)
    del only.fails[""]
    assert pool.ask(head_of) == "local-1"
    assert clock.waits


def test_one_that_is_down_rests_and_is_tried_again_by_one_request(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.fails[""] = DEAD
    pool = pool_of(only, clock=clock, attempts=1)
    for _ in range(FAILURES):
        with pytest.raises(Transport):
            pool.ask(head_of)
    assert pool.states()[0].state == "down"
    del only.fails[""]
    before = clock.now
    assert pool.ask(head_of) == "local-1"
    assert clock.now > before, "its rest was waited for"
    assert pool.states()[0].state == "well"


def test_while_one_rests_the_others_are_asked_without_a_wait(replica: StartReplica, clock: Clock) -> None:
    down, well = replica(1), replica(1)
    down.fails[""] = DEAD
    pool = pool_of(down, well, clock=clock)
    for _ in range(40):
        pool.ask(head_of)
    assert 1 <= len(down.asked) <= FAILURES
    assert clock.waits == []


def test_one_that_lies_again_and_again_rests(replica: StartReplica, clock: Clock) -> None:
    told: list[tuple[str, str]] = []
    pool = pool_of(replica(1), replica(1), clock=clock, blamed=lambda label, what: told.append((label, what)))
    for _ in range(BLAMES):
        assert pool.states()[0].state == "well"
        pool.blame("local-1", "a log is missing")
    assert {pool.ask(head_of) for _ in range(50)} == {"local-2"}
    assert told == [("local-1", "a log is missing")] * BLAMES
    state = pool.states()[0]
    assert (state.state, state.wrong, state.problem) == (
        "down",
        {"a log is missing": 3},
        "3 wrong answers, the last one: a log is missing",
    )


def test_one_endpoint_alone_is_asked_on_whatever_it_said(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(1), clock=clock)
    for _ in range(3 * BLAMES):
        pool.blame("local-1", "a log is missing")
    assert pool.ask(head_of) == "local-1"
    assert clock.waits == []


def test_what_contradicts_itself_is_blamed(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(1), clock=clock)

    def ask(node: Node) -> None:
        raise Inconsistent("came twice", endpoint=node.endpoint.label)

    with pytest.raises(Inconsistent):
        pool.ask(ask)
    assert pool.states()[0].wrong == {"inconsistent": 1}


def test_nobody_is_chosen_when_everybody_is_excluded(replica: StartReplica, clock: Clock) -> None:
    with pytest.raises(RpcError, match="no other endpoint") as caught:
        pool_of(replica(1), clock=clock).choose(but={"local-1"})
    assert type(caught.value) is RpcError


def test_a_refusal_nobody_knows_costs_trust_but_no_rest(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(1), clock=clock)

    def ask(node: Node) -> None:
        raise Refused("what?")

    for _ in range(10):
        with pytest.raises(Refused):
            pool.ask(ask)
    assert pool.states()[0].state == "well"
