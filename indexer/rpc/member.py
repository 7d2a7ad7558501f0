"""One endpoint of a pool with all that is known of it."""

from __future__ import annotations

from typing import NamedTuple

from indexer.rpc.limits import Limits
from indexer.rpc.node import Node
from indexer.rpc.types import Header


class Need(NamedTuple):
    """What an endpoint must have to be asked; None asks for nothing.

    Its own head must have reached block `last`, it must not have pruned block `first`, and must not be known not to
    serve `method`: a JSON-RPC method, or a form of one after a space ("eth_getLogs by topic").
    """

    last: int | None = None
    first: int | None = None
    method: str | None = None


ANY = Need()


class Member:
    """One endpoint: `node` asks it once and never waits for it to get well; `limits` is what was learned of it."""

    def __init__(self, node: Node, limits: Limits) -> None:
        self.node = node
        self.limits = limits
        self.tips: dict[int, Header] = {}

    @property
    def label(self) -> str:
        return self.node.endpoint.label

    @property
    def head(self) -> int | None:
        """The highest block it has shown as its latest; None before the first answer."""
        return max(self.tips, default=None)
