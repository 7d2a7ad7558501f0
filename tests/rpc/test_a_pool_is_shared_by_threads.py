"""Many threads share one pool: nothing is lost, together they keep the pace, and one request tries what was down."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from indexer.rpc import Budget, Limits, Need, Node, RpcError, Transport

from .pools import StartReplica, pool_of
from .scripted import refusing, sending

THREADS = 12


def head_of(node: Node) -> str:
    node.header("latest")
    return node.endpoint.label


def test_every_request_is_counted_and_paced(replica: StartReplica) -> None:
    only = replica(100)
    pool = pool_of(only, budget=Budget(10_000), limits={"local-1": Limits(rate=200.0)})
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda _: pool.ask(head_of), range(300)))
    seconds = time.monotonic() - began
    assert answers == ["local-1"] * 300
    assert (pool.budget.used, len(only.asked)) == (300, 300)
    assert seconds > (300 - 200) / 250, "no more than a second's worth leaves at once"


def test_all_ways_of_asking_may_be_mixed(replica: StartReplica) -> None:
    replicas = [replica(100), replica(100), replica(99)]
    replicas[2].fails["eth_getLogs"] = refusing(429, "Too many requests", status=429, retry_after="0")
    pool = pool_of(*replicas)
    audits = pool.for_purpose("audit")

    def work(turn: int) -> int:
        match turn % 5:
            case 0:
                return pool.newest().number
            case 1:
                return len(audits.ask(lambda node: node.range_logs(40, 49, None, []), Need(first=40, last=49)))
            case 2:
                header = pool.canonical(50)
                return header.number if header is not None else -1
            case 3:
                return sum(not isinstance(answer, RpcError) for _, answer in pool.ask_all(head_of))
            case _:
                pool.quarantine("local-1", turn, Transport("x"))
                pool.limits()
                return len(pool.states())

    with ThreadPoolExecutor(THREADS) as threads:
        results = Counter(threads.map(work, range(100)))
    assert set(results) <= {100, 10, 50, 3}
    assert results[10] == results[50] == results[100] == 20


def test_what_was_down_is_tried_by_one_request(replica: StartReplica) -> None:
    only = replica(100)
    only.fails[""] = sending(b"busy", 503)
    pool = pool_of(only, attempts=1)
    for _ in range(3):
        try:
            pool.ask(head_of)
        except Transport:
            continue
    asked = len(only.asked)
    pool.members[0].record.breaker.end_rest()
    only.slow = threading.Event()
    node = pool.members[0].node
    with ThreadPoolExecutor(THREADS) as threads:
        tries = [threads.submit(head_of, node) for _ in range(THREADS)]
        done = sum(isinstance(each.exception(), Transport) for each in tries[1:])
        only.slow.set()
    assert done >= THREADS - 2
    assert len(only.asked) == asked + 1
