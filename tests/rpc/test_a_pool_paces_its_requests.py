"""One pace per endpoint: it halves when throttled, rises slowly, keeps to what a provider asks for, and never spins."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.rpc import Limits, Node, Throttled
from indexer.rpc.gate import LONGEST_WAIT
from indexer.rpc.rate import BURST, FIRST_REST, LEAST, LONGEST_NAMED, MOST, START, Rate

from .pools import Clock, StartReplica, pool_of
from .scripted import giving, refusing, sending


def head_of(node: Node) -> str:
    node.header("latest")
    return node.endpoint.label


def test_requests_leave_no_faster_than_an_endpoint_bears(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(1), clock=clock, limits={"local-1": Limits(rate=2.0)})
    began = clock.now
    for _ in range(22):
        pool.ask(head_of)
    assert 22 / 3.5 - 2 * BURST < clock.now - began <= 22 / 2.0


def test_a_batch_counts_as_many_requests_as_it_holds(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(100), clock=clock, limits={"local-1": Limits(rate=10.0)})
    began = clock.now
    pool.ask(lambda node: node.headers(range(50)))
    pool.ask(head_of)
    assert clock.now - began == pytest.approx(50 / 10 - BURST, rel=0.05)


def test_the_rest_that_a_provider_asks_for_is_kept(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.node.script.append(sending(b"slow down", 429, retry_after="17"))
    pool = pool_of(only, clock=clock)
    began = clock.now
    assert pool.ask(head_of) == "local-1"
    assert clock.now - began == 17
    assert clock.waits == [17]


def test_a_longer_rest_is_for_the_caller_to_know(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.node.script.append(sending(b"slow down", 429, retry_after="600"))
    pool = pool_of(only, clock=clock)
    with pytest.raises(Throttled, match="rests for 600 s after: slow down") as caught:
        pool.ask(head_of)
    assert caught.value.retry_after == 600
    assert clock.waits == []
    with pytest.raises(Throttled, match="rests for 600 s"):
        head_of(pool.members[0].node)
    assert len(only.asked) == 1, "nobody gets by"
    clock.now += 600
    assert pool.ask(head_of) == "local-1"


def test_meanwhile_another_endpoint_is_asked(replica: StartReplica, clock: Clock) -> None:
    busy, other = replica(1), replica(1)
    busy.node.script.append(refusing(429, "Too many requests", status=429, retry_after="20"))
    pool = pool_of(busy, other, clock=clock)
    assert [pool.ask(head_of) for _ in range(20)] == ["local-2"] * 20
    assert clock.waits == []


def test_what_is_more_than_one_endpoint_bears_goes_to_another(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(1), replica(1), clock=clock, limits={"local-1": Limits(rate=5.0)})
    asked = [pool.ask(head_of) for _ in range(40)]
    assert {"local-1", "local-2"} == set(asked)
    assert clock.waits == []


def test_a_pause_may_interrupt(replica: StartReplica, clock: Clock) -> None:
    class Stopped(Exception):
        pass

    def stop(seconds: float) -> None:
        raise Stopped

    only = replica(1)
    only.node.script.extend([sending(b"slow down", 429, retry_after="5"), giving("0x1")])
    pool = pool_of(only, clock=clock, pause=stop)
    with pytest.raises(Stopped):
        pool.ask(head_of)


def test_a_clock_that_stands_still_does_not_spin(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.fails[""] = refusing(429, "Too many requests")
    waits: list[float] = []
    pool = pool_of(only, clock=clock, pause=waits.append)
    with pytest.raises(Throttled):
        pool.ask(head_of)
    assert len(waits) < 20
    del only.fails[""]
    assert pool.ask(head_of) == "local-1"


def test_the_pace_survives_a_restart(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.node.script.append(refusing(429, "Too many requests"))
    pool = pool_of(only, clock=clock)
    pool.ask(head_of)
    kept = pool.limits()
    assert kept["local-1"].rate is not None
    assert kept["local-1"].rate < START
    assert pool_of(only, clock=clock, limits=kept).states()[0].rate == kept["local-1"].rate


def test_many_throttled_at_once_halve_the_pace_once() -> None:
    rate = Rate(None, Random(1))
    left = [rate.take(100.0) + 100.0 for _ in range(16)]
    for each in left:
        rate.throttled(each, 100.5, None)
    assert rate.per_second == START / 2
    rate.answered(left[-1])
    assert rate.per_second == START / 2, "it had left before"


def test_rests_double_as_long_as_it_goes_on() -> None:
    rate, now, rests = Rate(None, Random(1)), 0.0, []
    for _ in range(5):
        rate.throttled(now, now, None)
        rests.append(rate.free_at() - now)
        now = rate.free_at()
    assert all(FIRST_REST * 2**n / 2 <= rest <= FIRST_REST * 2**n for n, rest in enumerate(rests))


@settings(deadline=None)
@given(st.floats(LEAST, 100), st.integers(1, 30))
def test_the_pace_rises_slowly(start: float, seconds: int) -> None:
    rate, now = Rate(start, Random(1)), 0.0
    while now < seconds:
        now += rate.take(now)
        rate.answered(now)
        if rate.take(now) == 0:
            now += 0.01
    assert start <= rate.per_second <= start + 0.6 * (seconds + 2 * BURST + 2)


Event = tuple[str, float]
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.floats(0, 2)),
        st.tuples(st.just("answered"), st.floats(0, 2)),
        st.tuples(st.just("throttled"), st.floats(0, 2)),
        st.tuples(st.just("named"), st.floats(0, 1e9)),
    ),
    max_size=200,
)


@settings(deadline=None)
@given(EVENTS, st.one_of(st.none(), st.floats(0.001, 1e6)))
@example([("named", 64.8), ("take", 0.6)], None)  # 50.6 + (114.8 - 50.6) is less than 114.8
def test_whatever_happens_requests_keep_their_distance(events: list[Event], start: float | None) -> None:
    rate, now = Rate(start, Random(1)), 50.0
    leaves: list[float] = []
    fastest = rate.per_second
    for what, number in events:
        if what == "take":
            now += number
            wait = rate.take(now)
            assert wait >= 0
            assert now + wait >= rate.resting_until
            leaves.append(now + wait)
        elif what == "answered":
            rate.answered(now)
        else:
            before = rate.per_second
            rate.throttled(now, now, number if what == "named" else None)
            assert rate.per_second <= before
            assert rate.free_at() <= max(now + LONGEST_NAMED, rate.free_at())
        fastest = max(fastest, rate.per_second)
        assert LEAST <= rate.per_second <= MOST
    for start_at in leaves:
        within = sum(start_at <= leave < start_at + 1 for leave in leaves)
        assert within <= fastest * (1 + BURST) + 1


def test_a_wait_is_never_longer_than_the_longest(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    only.fails[""] = sending(b"slow down", 429, retry_after="29")
    with pytest.raises(Throttled):
        pool_of(only, clock=clock).ask(head_of)
    assert max(clock.waits) <= LONGEST_WAIT
