"""Put one question over a range to one endpoint, in as many pieces as it wants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from indexer.positions.protocol.ledger import UNKNOWN, Provenance
from indexer.positions.questions import Question, Way, fits, split, with_fewer_addresses
from indexer.positions.watch import Matches
from indexer.rpc import (
    Found,
    Header,
    Inconsistent,
    Logs,
    Node,
    Refused,
    TooLarge,
    Wanted,
    choose,
    is_round,
    join_found,
    no_logs,
    to_columns,
)

NO_CONTRACT = "0x" + "00" * 18 + "dead"
"""Has no code and so no logs on any chain: a node that does not answer for it does not answer at all."""


@dataclass
class Reading:
    """Blocks `first` to `last` are read: `logs` are the watched ones of `seen` that came.

    `refused`: contracts the node would not answer for, with its words; `answers`: the blocks and logs of every single
    answer; `ends`: the last block of each part that was asked for by itself; `top`: the header of the last block, from
    who gave the logs.
    """

    first: int
    last: int
    logs: Logs = field(default_factory=no_logs)
    seen: int = 0
    requests: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[int, int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    top: Header | None = None
    provenance: Provenance = UNKNOWN
    matches: Matches = field(default_factory=lambda: Matches([], []))


class Pieces:
    """Asks one node for one reading; `lock` guards the way's estimate, which other threads use too.

    Of what comes only what is `wanted` is kept; all of it counts in what is told of an answer.
    `note_cut` is told of an answer that was cut without a word, and how many logs it had; `note_addresses` of how many
    addresses it bears in one question.
    """

    def __init__(
        self,
        node: Node,
        way: Way,
        reading: Reading,
        lock: Lock,
        wanted: Wanted,
        note_cut: Callable[[int], None],
        note_addresses: Callable[[int], None],
    ) -> None:
        self.node = node
        self.estimate = way.estimate
        self.reading = reading
        self.lock = lock
        self.wanted = wanted
        self.note_cut = note_cut
        self.note_addresses = note_addresses

    def ask(self, question: Question, first: int, last: int) -> list[Found]:
        """The logs of [first, last], in parts. Raises RpcError."""
        logs: list[Found] = []
        while first <= last:
            with self.lock:
                until = self.estimate.take(first, last)
            try:
                found = self.whole(question, first, until)
            except TooLarge as error:
                parts = with_fewer_addresses(question, error.limit_addresses) if error.what == "addresses" else []
                if parts:
                    self.note_addresses(len(parts[0].addresses or ()))
                    return logs + [found for part in parts for found in self.ask(part, first, last)]
                if until == first:
                    logs.append(self.in_halves(question, first))
                    first += 1
                    continue
                with self.lock:
                    self.estimate.refused(first, until, error)
                continue
            except Refused as error:
                found = self.without_the_refused(question, first, until, error)
            self.reading.answers.append((until - first + 1, found.seen))
            logs.append(found)
            first = until + 1
        return logs

    def whole(self, question: Question, first: int, last: int) -> Found:
        """One answer, with a second look where it may have been cut. Raises TooLarge where it was."""
        found = self.get(question, first, last)
        if not is_round(found.seen):
            return found
        if first == last:
            again = self.in_halves(question, first).seen
        else:
            # Where a half is round again, it may be cut for the same logs: it is looked at in the same way.
            middle = (first + last) // 2
            again = self.whole(question, first, middle).seen + self.whole(question, middle + 1, last).seen
        if again > found.seen:
            self.note_cut(found.seen)
            label = self.node.endpoint.label
            raise TooLarge(f"cut at {found.seen:,} logs", endpoint=label, method="eth_getLogs")
        return found

    def get(self, question: Question, first: int, last: int) -> Found:
        self.reading.requests += 1
        return self.node.wanted_logs(first, last, question.addresses, question.topics, self.wanted)

    def in_halves(self, question: Question, block: int) -> Found:
        """One block that is too large for one answer: ask for half of the question, in the end read its receipts."""
        halves = split(question)
        if not halves:
            header = self.node.header(block)
            if header is None:
                raise Inconsistent(f"block {block:,} is final and the node has logs of it, but no header")
            self.reading.requests += 2
            asked_for = to_columns(log for log in self.node.receipts_logs(header) if fits(question, log))
            return choose(asked_for, self.wanted)
        logs: list[Found] = []
        for half in halves:
            try:
                logs.append(self.whole(half, block, block))
            except TooLarge:
                logs.append(self.in_halves(half, block))
        return join_found(logs)

    def without_the_refused(self, question: Question, first: int, last: int, error: Refused) -> Found:
        """Find the contracts that make the node refuse, so that they hold up nobody else.

        Raises the refusal where it is not about contracts: where the node does not answer for one without logs either.
        """
        if question.addresses is None:
            raise error
        try:
            self.get(Question((NO_CONTRACT,), question.topics), first, last)
        except Refused:
            raise error from None
        logs: list[Found] = []
        waiting = [question.addresses]
        while waiting:
            part = waiting.pop()
            try:
                logs.append(self.whole(Question(part, question.topics), first, last))
            except Refused as answer:
                if len(part) == 1:
                    self.reading.refused[part[0]] = str(answer)
                else:
                    waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
        return join_found(logs)
