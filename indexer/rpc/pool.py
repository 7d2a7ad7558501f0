"""The endpoints of one chain as one: asked one by one or all, and believed where most of them agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexer.rpc import polling
from indexer.rpc.asking import Asking
from indexer.rpc.errors import BlockUnknown
from indexer.rpc.limits import Limits
from indexer.rpc.member import ANY, Need
from indexer.rpc.node import Node
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
    """The endpoints of one chain. Safe to share between threads. What it is made of: see Asking."""

    def newest(self) -> Header:
        """Return the header of the head: the highest block that more than half of the answering endpoints have reached.

        With one endpoint that is its own head, with two the lower one. A head that goes backwards is not believed:
        see HeadWatch. Raises RpcError when no endpoint answers.
        """
        return polling.find_head(self)

    def forget_heads(self) -> None:
        """A reorg was proved: the next head is believed even when it is lower."""
        self.heads.forget()

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
