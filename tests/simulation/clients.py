"""The product's client of a simulated node, for the tests of that node."""

from __future__ import annotations

from indexer.rpc import Endpoint, Node
from tests.simulation.endpoint import SimulatedNode


def client(node: SimulatedNode) -> Node:
    """A client that asks once and waits for nothing."""
    return Node(Endpoint(node.url, node.label, timeout=5.0), attempts=1, pause=lambda seconds: None)
