"""The head of a chain is no single endpoint's word: more than half must have reached it, and it does not fall."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc import RpcError, Transport
from indexer.rpc.heads import PATIENCE, HeadWatch, majority_head
from indexer.rpc.polling import POLL_OTHERS

from .pools import Clock, StartReplica, pool_of
from .samples import hash_of, header_json, header_of
from .scripted import giving, sending

DEAD = sending(b"<html>bad gateway</html>", 502)


@pytest.mark.parametrize(
    ("heads", "head"),
    [
        ([100], 100),
        ([100, 100], 100),
        ([100, 90], 90),  # one of two is no majority
        ([100, 100, 90], 100),  # one lags
        ([100, 90, 80], 90),
        ([9_999_999, 100, 99], 100),  # one is far ahead alone
        ([9_999_999, 9_999_998, 99, 98], 99),  # two of four are no majority
    ],
)
def test_more_than_half_must_have_reached_it(heads: list[int], head: int, replica: StartReplica, clock: Clock) -> None:
    assert majority_head(heads) == head
    pool = pool_of(*[replica(own) for own in heads], clock=clock)
    assert pool.newest().number == head


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=9))
def test_it_is_the_highest_block_of_which_that_is_true(heads: list[int]) -> None:
    found = majority_head(heads)
    reached = [sum(own >= number for own in heads) for number in range(52)]
    assert 2 * reached[found] > len(heads)
    assert all(2 * count <= len(heads) for count in reached[found + 1 :])


@pytest.mark.parametrize(("down", "head"), [({0}, 90), ({1}, 90), ({2}, 95), ({0, 1}, 90), ({1, 2}, 100)])
def test_endpoints_that_are_down_have_no_say(down: set[int], head: int, replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(95), replica(90)]
    for place in down:
        replicas[place].fails[""] = DEAD
    assert pool_of(*replicas, clock=clock).newest().number == head


def test_an_endpoint_that_rests_does_not_hold_the_head_up(replica: StartReplica, clock: Clock) -> None:
    busy, other = replica(100), replica(100)
    pool = pool_of(busy, other, clock=clock)
    assert pool.newest().number == 100
    busy.fails[""] = sending(b"slow down", 429, retry_after="900")
    for head in range(101, 110):
        busy.head = other.head = head
        clock.now += 5
        assert pool.newest().number == head
    assert len(busy.asked) <= 2


def test_no_head_without_any_endpoint(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100)]
    for each in replicas:
        each.fails[""] = DEAD
    with pytest.raises(Transport, match="bad gateway"):
        pool_of(*replicas, clock=clock).newest()


def test_its_header_comes_from_one_that_has_reached_it(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(103), replica(101), replica(99), clock=clock)
    header = pool.newest()
    assert (header.number, header.hash) == (101, hash_of(101))


def test_others_are_asked_when_there_is_a_new_block_or_after_a_while(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100), replica(100)]
    pool = pool_of(*replicas, clock=clock)

    def polls() -> int:
        before = sum(len(each.asked) for each in replicas)
        pool.newest()
        return sum(len(each.asked) for each in replicas) - before

    assert polls() == 3
    assert [polls(), polls()] == [1, 1]
    for each in replicas:
        each.head = 101
    assert polls() == 3
    clock.now += POLL_OTHERS
    assert polls() == 3


def test_of_two_blocks_at_the_head_it_is_the_one_that_most_show(replica: StartReplica, clock: Clock) -> None:
    forked, *others = replica(100), replica(100), replica(100)
    forked.fork_from = 99
    pool = pool_of(forked, *others, clock=clock)
    for head in range(100, 130):
        for each in (forked, *others):
            each.head = head
        assert pool.newest().hash == hash_of(head)


def test_a_head_that_goes_backwards_is_not_believed(replica: StartReplica, clock: Clock) -> None:
    only = replica(95)
    pool = pool_of(only, clock=clock)
    pool.newest()
    only.head = 100
    assert pool.newest().number == 100
    only.head = 97
    assert [pool.newest().number for _ in range(2 * PATIENCE)] == [100] * 2 * PATIENCE
    only.head = 101
    assert pool.newest().number == 101


def test_a_head_far_above_is_asked_for_again(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    pool = pool_of(only, clock=clock)
    pool.newest()
    only.fails[""] = lambda request: only.fails.clear() or giving(header_json(9_999_999))(request)  # type: ignore[func-returns-value]
    assert pool.newest().number == 100
    only.head = 100_000
    assert pool.newest().number == 100_000, "who was away for long has caught up"


def test_a_head_that_nobody_has_is_forgotten_after_a_few_polls(replica: StartReplica, clock: Clock) -> None:
    only = replica(9_999_999)
    pool = pool_of(only, clock=clock)
    pool.newest()
    only.head = 100
    assert [pool.newest().number for _ in range(PATIENCE)] == [9_999_999] * (PATIENCE - 1) + [100]
    only.head = 9_999_999
    pool.newest()
    only.head = 200
    assert [pool.newest().number for _ in range(PATIENCE)] == [9_999_999] * (PATIENCE - 1) + [200]


def test_a_lower_head_is_believed_once_a_reorg_is_proved(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    pool = pool_of(only, clock=clock)
    pool.newest()
    only.head = 97
    assert pool.newest().number == 100
    pool.forget_heads()
    assert pool.newest().number == 97


def test_a_lower_head_of_another_branch_is_believed_after_a_few_polls(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(number) for number in (95, 95, 95)]
    pool = pool_of(*replicas, clock=clock)
    for head in (95, 98, 100):
        for each in replicas:
            each.head = head
        pool.newest()
    for each in replicas:
        each.head, each.fork_from = 97, 94
    heads = []
    for _ in range(PATIENCE):
        clock.now += POLL_OTHERS
        heads.append(pool.newest().number)
    assert heads == [100] * (PATIENCE - 1) + [97]
    assert pool.newest().hash == hash_of(97, 1)


def test_a_reorg_at_the_same_height_shows_the_new_hash(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    pool = pool_of(only, clock=clock)
    pool.newest()
    only.fork_from = 100
    assert pool.newest().hash == hash_of(100, 1)


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_heads_of_one_branch_never_go_backwards(numbers: list[int]) -> None:
    watch, believed = HeadWatch(), 0
    for number in numbers:
        head = watch.note(header_of(number))
        doubt = watch.doubt(header_of(number))
        if doubt is not None and doubt[0] >= 0:
            assert doubt[1] == hash_of(doubt[0])
        assert head.number >= believed
        believed = head.number


def test_an_endpoint_that_shows_no_new_block_while_others_do_does_not_hold_the_head_up(
    replica: StartReplica, clock: Clock
) -> None:
    alive, stuck = replica(100), replica(100)
    pool = pool_of(alive, stuck, clock=clock)
    for _ in range(40):
        alive.head += 1
        clock.now += 12
        head = pool.newest().number
    assert head == alive.head


@pytest.mark.parametrize("count", [2, 3])
def test_a_block_after_a_long_silence_needs_most_of_them_too(count: int, replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100) for _ in range(count)]
    pool = pool_of(*replicas, clock=clock)
    for head in range(100, 110):
        pool.newest()
        clock.now += 600
        replicas[0].head = head + 1
        assert pool.newest().number == head, "one alone has it so far"
        for each in replicas:
            each.head = head + 1
        clock.now += POLL_OTHERS
        assert pool.newest().number == head + 1


def test_one_that_goes_on_alone_does_not_outvote_two(replica: StartReplica, clock: Clock) -> None:
    liar, *others = replica(100), replica(100), replica(100)
    pool = pool_of(liar, *others, clock=clock)
    for _ in range(20):
        liar.head += 1000
        clock.now += 60
        assert pool.newest().number == 100


def test_where_no_endpoint_shows_a_new_block_nobody_is_left_out(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(100), replica(98), clock=clock)
    pool.newest()
    clock.now += 3600
    assert pool.newest().number == 98


def test_a_silent_endpoint_does_not_hold_up_the_head(replica: StartReplica) -> None:
    quick, silent, other = replica(100), replica(100), replica(101)
    silent.slow = threading.Event()
    pool = pool_of(quick, silent, other, patience=0.1)
    assert pool.newest().number == 100
    assert silent.asked == ["eth_getBlockByNumber"]
    quick.head = other.head = 102
    assert pool.newest().number == 102
    assert silent.asked == ["eth_getBlockByNumber"], "it is not asked again while it owes an answer"


def test_what_interrupts_a_pause_interrupts_the_poll(replica: StartReplica, clock: Clock) -> None:
    class Stopped(Exception):
        pass

    def stop(seconds: float) -> None:
        raise Stopped

    only = replica(100)
    only.fails[""] = DEAD
    pool = pool_of(only, clock=clock, pause=stop)
    with pytest.raises(Stopped):
        pool.newest()


def test_tips_are_counted(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100), replica(99)]
    replicas[1].fork_from = 100
    pool = pool_of(*replicas, clock=clock)
    pool.newest()
    tips = [tip for member in pool.members for tip in member.tips]
    assert [tips.count((100, hash_of(100))), tips.count((100, hash_of(100, 1))), tips.count((99, hash_of(99)))] == [
        1,
        1,
        1,
    ]
    assert len(pool.usable()) // 2 + 1 == 2
    with pytest.raises(RpcError, match="no other endpoint"):
        pool.choose(but=["local-1", "local-2", "local-3"])
