"""The endpoints of one chain as one: asked one by one or all, and believed where most of them agree."""

from __future__ import annotations

import random as chance
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from indexer.rpc import polling
from indexer.rpc.asking import ATTEMPTS, PATIENCE, Asking
from indexer.rpc.budget import Budget
from indexer.rpc.errors import BlockUnknown
from indexer.rpc.heads import HeadWatch
from indexer.rpc.limits import Limits
from indexer.rpc.member import ANY, Need
from indexer.rpc.node import Node
from indexer.rpc.trust import Trust
from indexer.rpc.types import Header


class MemberState(NamedTuple):
    """One endpoint as people and metrics see it: `rate` in requests per second, `rests` in seconds from now.

    `slowness` is how many times as long as usual it takes, `errors` the part of its requests that failed lately,
    `wrong` the answers proved wrong, by what was wrong, since the start.
    """

    label: str
    used: bool
    state: str
    head: int | None
    rate: float
    rests: float
    slowness: float | None
    errors: float
    wrong: Mapping[str, int]
    quarantined: int
    problem: str | None


class EndpointPool(Asking):
    """The endpoints of one chain. Safe to share between threads.

    `limits` are what was learned of each label before, `trust` what of the chain's headers can be relied on, `checks`
    how to find out of each whether it serves this chain (raises what is wrong): before its first request unless it is
    one of `checked`, and whenever it gives reason to. With `hedge_after` a second
    endpoint is asked for the head where the first has not answered within so many seconds; where most of them decide,
    those that take longer than `patience` seconds do not count. `clock` gives seconds that only rise, `wall` Unix
    seconds; `pause` sleeps seconds and may raise to interrupt. With `parallel` off nothing is asked in other threads,
    so that a seeded run repeats itself. `blamed` is told a label and what was wrong, whenever an answer was proved
    wrong.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        limits: Mapping[str, Limits] | None = None,
        trust: Trust | None = None,
        budget: Budget | None = None,
        hedge_after: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        random: chance.Random | None = None,
        parallel: bool = True,
        attempts: int = ATTEMPTS,
        patience: float = PATIENCE,
        blamed: Callable[[str, str], None] | None = None,
        checks: Mapping[str, Callable[[], None]] | None = None,
        checked: Collection[str] = (),
    ) -> None:
        super().__init__(
            nodes,
            limits=limits,
            trust=trust,
            budget=budget,
            clock=clock,
            wall=wall,
            pause=pause,
            random=random,
            parallel=parallel,
            attempts=attempts,
            patience=patience,
            blamed=blamed,
            checks=checks,
            checked=checked,
        )
        self._hedge_after = hedge_after
        self._watch = HeadWatch()

    @property
    def majority(self) -> int:
        """How many endpoints are more than half of those that can be asked now."""
        return len(self.usable()) // 2 + 1

    def newest(self) -> Header:
        """Return the header of the head: the highest block that more than half of the answering endpoints have reached.

        With one endpoint that is its own head, with two the lower one. A head that goes backwards is not believed:
        see HeadWatch. Raises RpcError when no endpoint answers.
        """
        return polling.find_head(self, self._watch, self._hedge_after)

    def forget_heads(self) -> None:
        """A reorg was proved: the next head is believed even when it is lower."""
        self._watch.forget()

    def canonical(self, block: int | str) -> Header | None:
        """Return what more than half of the answering endpoints give for a block number, or a tag.

        For a tag: the highest block that more than half of them give or have passed, its hash confirmed. None: nobody
        contradicts, but those that have such a block are no majority. Raises Inconsistent where they name different
        hashes and none has a majority, RpcError when nobody answers.
        """
        return polling.find_canonical(self, block)

    def canonicals(self, numbers: Sequence[int]) -> list[Header | None]:
        """Return `canonical` of every number, in order, with one question to each endpoint."""
        return polling.find_canonicals(self, numbers)

    def confirms(self, number: int, hash: bytes) -> int:
        """How many endpoints have shown exactly this block as their latest."""
        return sum((number, hash) in member.tips for member in self.members)

    def header(self, number: int) -> Header | None:
        """Return the header from an endpoint that has reached it; None when nobody has it."""
        return polling.find_header(self, lambda node: node.header(number), Need(last=number))

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """Return the header of every number, in order, from one endpoint; None where nobody who was asked has it."""
        best: list[Header | None] = [None] * len(numbers)

        def ask(node: Node) -> list[Header | None]:
            best[:] = node.headers(numbers)
            if None in best:
                raise BlockUnknown(f"null for block {numbers[best.index(None)]:,}", endpoint=node.endpoint.label)
            return best

        try:
            return self.ask(ask, Need(last=max(numbers, default=None)))
        except BlockUnknown:
            return best

    def header_by_hash(self, hash: bytes) -> Header | None:
        """Return the header with this hash (32 bytes), canonical or not; None when nobody knows it."""
        return polling.find_header(self, lambda node: node.header_by_hash(hash), ANY)

    def limits(self) -> dict[str, Limits]:
        """A copy of what was learned, by label."""
        return {member.label: member.record.learned() for member in self.members}

    def forget_limits(self, label: str) -> None:
        """Find out anew what this endpoint bears."""
        self._record(label).forget()

    def states(self) -> list[MemberState]:
        """How every endpoint is now."""
        now = self.clock()
        return [
            MemberState(
                label=record.label,
                used=record.label == self._used,
                state=record.state(now),
                head=record.head,
                rate=record.rate.per_second,
                rests=max(0.0, record.free_at(now) - now),
                slowness=record.score.slowness,
                errors=record.score.errors,
                wrong=dict(record.wrong),
                quarantined=len(record.quarantined),
                problem=record.problem(now),
            )
            for record in (member.record for member in self.members)
        ]

    def close(self) -> None:
        """Close the kept connections of every endpoint."""
        for member in self.members:
            member.node.endpoint.close()
