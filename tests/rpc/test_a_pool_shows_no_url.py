"""Whatever a pool tells of its endpoints, it tells by their labels."""

from __future__ import annotations

import logging
import traceback
from random import Random

import pytest

from indexer.rpc import Endpoint, EndpointPool, Inconsistent, Limits, Need, Node, RpcError

from .pools import Clock, Replica, StartReplica
from .samples import hash_of
from .scripted import Answer, refusing, sending

KEY = "s3cr3tKeyOfMine"


@pytest.fixture
def replicas(replica: StartReplica) -> list[Replica]:
    return [replica(100), replica(100)]


@pytest.fixture
def pool(replicas: list[Replica], clock: Clock) -> EndpointPool:
    nodes = [Node(Endpoint(f"{each.node.url}/v2/{KEY}", f"local-{place}")) for place, each in enumerate(replicas, 1)]
    return EndpointPool(nodes, clock=clock, pause=clock.pause, wall=clock.wall, random=Random(1))


def told(pool: EndpointPool) -> str:
    return "\n".join([repr(pool), repr(pool.members), repr(pool.states()), repr(pool.limits())])


@pytest.mark.parametrize(
    "answer",
    [
        refusing(-32000, f"no access for /v2/{KEY}"),
        refusing(429, f"Too many requests by {KEY}", status=429, retry_after="900"),
        sending(f"key {KEY} owes money".encode(), 402),
        sending(f"<html>{KEY}</html>".encode(), 502),
        sending(f'{{"{KEY}'.encode()),
    ],
)
def test_errors_states_and_debug_lines_name_labels(
    answer: Answer, replicas: list[Replica], pool: EndpointPool, caplog: pytest.LogCaptureFixture
) -> None:
    for each in replicas:
        each.fails[""] = answer
    said = []
    with caplog.at_level(logging.DEBUG):
        for ask in (pool.newest, lambda: pool.canonical("finalized"), lambda: pool.choose(Need(last=5))):
            for _ in range(4):
                with pytest.raises(RpcError) as caught:
                    ask()
                said += traceback.format_exception_only(caught.value)
                said.append(repr(vars(caught.value)))
    shown = "\n".join([*said, told(pool), caplog.text])
    assert "local-1" in shown
    assert KEY not in shown
    assert not any(str(each.node.port) in shown for each in replicas)


def test_a_disagreement_names_labels(replicas: list[Replica], pool: EndpointPool) -> None:
    replicas[1].fork_from = 50
    with pytest.raises(Inconsistent) as caught:
        pool.canonical(50)
    assert f"local-2: 0x{hash_of(50, 1).hex()}" in str(caught.value)
    assert KEY not in str(caught.value) + told(pool)


def test_what_is_kept_of_an_error_keeps_no_traceback(replicas: list[Replica], pool: EndpointPool) -> None:
    replicas[0].fails[""] = sending(b"busy", 503)
    with pytest.raises(RpcError):
        pool.ask(lambda node: node.head(), but={"local-2"})
    kept = pool.members[0].record.rests_for
    assert kept is not None
    assert (kept.__traceback__, kept.__context__) == (None, None)
    assert pool.limits()["local-1"] == Limits()
