"""The endpoints of one chain as one: which is asked, what its error means for the others, and what most of them say."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from indexer.rpc.errors import RpcError, TooLarge, Transport
from indexer.rpc.limits import Limits
from indexer.rpc.member import ANY, Member, Need
from indexer.rpc.node import Node
from indexer.rpc.types import Header

T = TypeVar("T")

ATTEMPTS = 5
"""Times that one question is asked in all, of whichever endpoints."""


class EndpointPool:
    """The endpoints of one chain. Safe to share between threads.

    `pause` sleeps the given seconds and may raise to interrupt. With `parallel` off nothing is asked in other threads,
    so that a seeded run repeats itself. `blamed` is told a label and what was wrong, whenever an answer was proved
    wrong.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        limits: Mapping[str, Limits] | None = None,
        trust: Any = None,
        hedge_after: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        random: random.Random | None = None,
        parallel: bool = True,
        attempts: int = ATTEMPTS,
        blamed: Callable[[str, str], None] | None = None,
    ) -> None:
        given = limits or {}
        self.trust = trust
        self.members = tuple(
            Member(Node(node.endpoint, attempts=1, pause=pause), given.get(node.endpoint.label) or Limits())
            for node in nodes
        )
        self._next = 0

    @property
    def majority(self) -> int:
        """How many endpoints are more than half of those that can be asked now."""
        return len(self.members) // 2 + 1

    def for_purpose(self, purpose: str) -> EndpointPool:
        """The same pool, its requests counted as head, historic or audit ones, of which the later ones stop earlier."""
        return self

    def choose(self, need: Need = ANY, *, but: Collection[str] = ()) -> Member:
        """Return the endpoint to ask: the quickest that is well, mostly, and never one of the labels `but`.

        Where those that could be asked rest, it waits a while for the first. Raises what says why none can: Pruned
        (an archive is needed), MethodUnsupported, BlockUnknown (none has reached it), Throttled, QuotaSpent or
        BudgetSpent, Transport (all are down); RpcError when there is none besides `but`.
        """
        able = [member for member in self.members if member.label not in but]
        if not able:
            raise RpcError("no other endpoint")
        self._next += 1
        return able[self._next % len(able)]

    def ask(self, question: Callable[[Node], T], need: Need = ANY, *, but: Collection[str] = ()) -> T:
        """Return the answer of one endpoint to `question`, which asks the node it is given and may be called again.

        TooLarge is raised at once (its `endpoint` says whose limit it is); whatever else goes wrong is asked of
        another endpoint, and what passes by itself of the same one after a while. Raises RpcError.
        """
        tried: set[str] = set()
        while True:
            member = self.choose(need, but={*but, *tried})
            try:
                return question(member.node)
            except TooLarge:
                raise
            except RpcError:
                tried.add(member.label)
                if len(tried) == len(self.members):
                    raise

    def ask_all(self, question: Callable[[Node], T], need: Need = ANY) -> list[tuple[Member, T | RpcError]]:
        """Return what every endpoint that can be asked now answers, in the order of `members`, errors among them."""
        answers: list[tuple[Member, T | RpcError]] = []
        for member in self.members:
            try:
                answers.append((member, question(member.node)))
            except RpcError as error:
                answers.append((member, error))
        return answers

    def newest(self) -> Header:
        """Return the header of the head: the highest block that more than half of the answering endpoints have reached.

        With one endpoint that is its own head, with two the lower one. A head that goes backwards is not believed:
        see HeadWatch. Raises RpcError when no endpoint answers.
        """
        header = self.ask(lambda node: node.header("latest"))
        if header is None:
            raise Transport("null for the latest block")
        return header

    def forget_heads(self) -> None:
        """A reorg was proved: the next head is believed even when it is lower."""

    def canonical(self, block: int | str) -> Header | None:
        """Return what more than half of the answering endpoints give for a block number, or a tag.

        For a tag: the highest block that more than half of them give or have passed, its hash confirmed. None: so many
        have no such block that the others are no majority. Raises Inconsistent where they name different hashes and
        none has a majority, RpcError when nobody answers.
        """
        return self.ask(lambda node: node.header(block))

    def confirms(self, number: int, hash: bytes) -> int:
        """How many endpoints have shown exactly this block as their latest."""
        return sum(member.tips[number].hash == hash for member in self.members if number in member.tips)

    def header(self, number: int) -> Header | None:
        """Return the header from an endpoint that has reached it; None when nobody asked has it."""
        return self.ask(lambda node: node.header(number), Need(last=number))

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """Return the header of every number, in order, from one endpoint that has reached them."""
        return self.ask(lambda node: node.headers(numbers), Need(last=max(numbers, default=None)))

    def header_by_hash(self, hash: bytes) -> Header | None:
        """Return the header with this hash (32 bytes), canonical or not; None when nobody knows it."""
        return self.ask(lambda node: node.header_by_hash(hash))

    def blame(self, label: str, what: str) -> None:
        """An answer of this endpoint was proved wrong: several make it rest. `what` is a word for metrics."""

    def quarantine(self, label: str, block: int, error: RpcError) -> None:
        """Do not ask this endpoint for this block for a while, since nobody knows what it answered."""

    def limits(self) -> dict[str, Limits]:
        """What was learned, by label."""
        return {member.label: member.limits for member in self.members}
