from __future__ import annotations

from collections.abc import Iterator

import pytest

from indexer.rpc import Endpoint, Node

from .pools import Clock, Replica, StartReplica
from .scripted import ScriptedNode


@pytest.fixture
def scripted() -> Iterator[ScriptedNode]:
    node = ScriptedNode()
    yield node
    node.stop()


@pytest.fixture
def endpoint(scripted: ScriptedNode) -> Iterator[Endpoint]:
    endpoint = Endpoint(scripted.url, "local-1", timeout=5.0)
    yield endpoint
    endpoint.close()


@pytest.fixture
def waits() -> list[float]:
    """The pauses the `node` made."""
    return []


@pytest.fixture
def node(endpoint: Endpoint, waits: list[float]) -> Node:
    return Node(endpoint, pause=waits.append)


@pytest.fixture
def replica() -> Iterator[StartReplica]:
    """Starts a replica with this head."""
    started: list[Replica] = []

    def start(head: int) -> Replica:
        started.append(Replica(head))
        return started[-1]

    yield start
    for each in started:
        if each.slow is not None:
            each.slow.set()
        each.node.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()
