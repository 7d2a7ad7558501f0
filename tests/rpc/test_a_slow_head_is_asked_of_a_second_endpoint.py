"""Hedging: where one endpoint takes long to tell its head, a second one is asked, and the first answer counts."""

from __future__ import annotations

import threading
import time

import pytest

from indexer.rpc import Transport

from .pools import StartReplica, pool_of
from .scripted import sending

DEAD = sending(b"busy", 503)


def test_the_first_answer_counts(replica: StartReplica) -> None:
    slow, quick = replica(100), replica(100)
    pool = pool_of(slow, quick, hedge_after=0.05, patience=0.05)
    pool.newest()
    slow.slow = threading.Event()
    began = time.monotonic()
    slow.head = quick.head = 101
    assert pool.newest().number == 101
    assert time.monotonic() - began < 2


def test_nobody_else_is_asked_where_it_answers_in_time(replica: StartReplica) -> None:
    replicas = [replica(100), replica(100)]
    pool = pool_of(*replicas, hedge_after=5.0)
    pool.newest()
    before = sum(len(each.asked) for each in replicas)
    pool.newest()
    assert sum(len(each.asked) for each in replicas) == before + 1


def test_a_failure_is_no_answer(replica: StartReplica) -> None:
    down, well = replica(100), replica(100)
    down.fails[""] = DEAD
    pool = pool_of(down, well, hedge_after=5.0, pause=lambda seconds: None)
    assert [pool.newest().number for _ in range(5)] == [100] * 5
    well.fails[""] = DEAD
    with pytest.raises(Transport):
        pool.newest()


def test_one_endpoint_alone_is_waited_for(replica: StartReplica) -> None:
    assert pool_of(replica(100), hedge_after=0.0).newest().number == 100


def test_where_the_second_one_fails_the_first_is_waited_for(replica: StartReplica) -> None:
    late, down = replica(100), replica(100)
    pool = pool_of(late, down, hedge_after=0.05, patience=0.05)
    pool.newest()
    down.fails[""] = DEAD
    late.slow = threading.Event()
    threading.Timer(0.2, late.slow.set).start()
    assert pool.newest().number == 100
