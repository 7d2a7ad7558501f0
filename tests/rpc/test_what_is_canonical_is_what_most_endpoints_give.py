"""The block at a number, or at a tag, is what more than half of the answering endpoints give."""

from __future__ import annotations

import threading
import time

import pytest

from indexer.rpc import Inconsistent, Transport

from .pools import Clock, StartReplica, pool_of
from .samples import hash_of
from .scripted import refusing, sending

DEAD = sending(b"busy", 503)


@pytest.mark.parametrize(
    ("forks", "hash"),
    [
        ([False], hash_of(50)),
        ([False, False], hash_of(50)),
        ([False, False, True], hash_of(50)),
        ([True, False, True], hash_of(50, 1)),
        ([None, True, True], hash_of(50, 1)),  # one has not that block
        ([None], None),
        ([None, None, True], None),
        ([None, True], None),  # one of two is no majority, and nobody contradicts
    ],
)
def test_it_is_what_most_give(
    forks: list[bool | None], hash: bytes | None, replica: StartReplica, clock: Clock
) -> None:
    replicas = [replica(100) for _ in forks]
    for each, fork in zip(replicas, forks, strict=True):
        each.fork_from = 50 if fork else None
        each.lacks = {50} if fork is None else set()
    header = pool_of(*replicas, clock=clock).canonical(50)
    assert (header.hash if header is not None else None) == hash


@pytest.mark.parametrize("forks", [[False, True], [False, True, None]])
def test_endpoints_that_disagree_are_told_apart_by_nobody(
    forks: list[bool | None], replica: StartReplica, clock: Clock
) -> None:
    replicas = [replica(100) for _ in forks]
    for each, fork in zip(replicas, forks, strict=True):
        each.fork_from = 50 if fork else None
        each.lacks = {50} if fork is None else set()
    with pytest.raises(Inconsistent, match=r"endpoints disagree on block 50 \(local-1: 0xab00.*, local-2: 0xab01"):
        pool_of(*replicas, clock=clock).canonical(50)


def test_endpoints_that_are_down_have_no_say(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100), replica(100)]
    replicas[0].fork_from = 50
    pool = pool_of(*replicas, clock=clock)
    for each in replicas[1:]:
        each.fails[""] = DEAD
    header = pool.canonical(50)
    assert header is not None
    assert header.hash == hash_of(50, 1)
    replicas[0].fails[""] = DEAD
    with pytest.raises(Transport):
        pool.canonical(50)


def test_an_endpoint_that_has_not_reached_it_is_not_asked_and_counts_as_without_it(
    replica: StartReplica, clock: Clock
) -> None:
    replicas = [replica(100), replica(100), replica(40)]
    pool = pool_of(*replicas, clock=clock)
    pool.newest()
    header = pool.canonical(50)
    assert header is not None
    assert header.hash == hash_of(50)
    assert len(replicas[2].asked) == 1
    assert pool.canonical(101) is None


@pytest.mark.parametrize(
    ("tagged", "number"),
    [
        ([64], 64),
        ([64, 64], 64),
        ([64, 32], 32),
        ([64, 32, 32], 32),
        ([96, 64, 32], 64),
        ([64, 64, None], 64),
        ([None, None, 64], None),
        ([None], None),
    ],
)
def test_a_tag_is_the_highest_block_that_most_give_or_have_passed(
    tagged: list[int | None], number: int | None, replica: StartReplica, clock: Clock
) -> None:
    replicas = [replica(100) for _ in tagged]
    for each, block in zip(replicas, tagged, strict=True):
        each.finalized = block
    header = pool_of(*replicas, clock=clock).canonical("finalized")
    assert (header.number if header is not None else None) == number


def test_the_block_of_a_tag_is_confirmed_by_those_that_are_further(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100), replica(100)]
    for each, block in zip(replicas, (64, 64, 96), strict=True):
        each.finalized = block
    replicas[0].fork_from = 60
    header = pool_of(*replicas, clock=clock).canonical("finalized")
    assert header is not None
    assert (header.number, header.hash) == (64, hash_of(64))


def test_a_tag_on_which_nobody_agrees_is_no_answer(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100)]
    for each in replicas:
        each.finalized = 64
    replicas[0].fork_from = 60
    with pytest.raises(Inconsistent, match="disagree on block 64"):
        pool_of(*replicas, clock=clock).canonical("finalized")


def test_an_endpoint_without_the_tag_has_no_say(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100)]
    replicas[0].finalized = 64
    replicas[1].fails["eth_getBlockByNumber"] = refusing(-32000, "finalized block not supported")
    header = pool_of(*replicas, clock=clock).canonical("finalized")
    assert header is not None
    assert header.number == 64


def test_an_endpoint_that_stays_silent_has_no_say_and_is_not_asked_again(replica: StartReplica) -> None:
    replicas = [replica(100), replica(100), replica(100)]
    pool = pool_of(*replicas, patience=0.1)
    pool.newest()
    replicas[2].slow = threading.Event()
    for _ in range(3):
        header = pool.canonical(50)
        assert header is not None
        assert header.number == 50
    assert len(replicas[2].asked) == 2
    assert len(pool.usable()) // 2 + 1 == 2
    replicas[2].slow.set()
    deadline = time.monotonic() + 5
    while len(pool.usable()) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    pool.canonical(50)
    assert len(replicas[2].asked) == 3, "it has answered, and is asked again"


def test_one_endpoint_alone_is_asked_again(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    pool = pool_of(only, clock=clock)
    pool.newest()
    only.node.script.extend([DEAD, DEAD])
    header = pool.canonical(50)
    assert header is not None
    assert header.number == 50
