"""Read ranges of final blocks for a set of jobs, at the least measured cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from indexer.positions.definition import Definition
from indexer.positions.questions import Question, Way, cheapest, ways_to_ask
from indexer.positions.watch import Matches, WatchIndex
from indexer.rpc import Inconsistent, Log, MethodUnsupported, Node, Refused, TooLarge

NO_CONTRACT = "0x" + "00" * 18 + "dead"
"""Has no code and so no logs on any chain: a node that does not answer for it does not answer at all."""


@dataclass
class Reading:
    """Blocks up to `last` are read. `refused`: contracts the node would not answer for, with its words; `answers`: the
    blocks and logs of every single answer."""

    last: int
    matches: Matches
    logs: int = 0
    requests: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[int, int]] = field(default_factory=list)


class RangeReader:
    """Reads for one set of jobs; what it learns of ranges and costs is shared by the threads that use it."""

    def __init__(self, jobs: Sequence[tuple[int, Definition]]) -> None:
        self.index = WatchIndex(jobs)
        self.ways = ways_to_ask([definition for _, definition in jobs])
        self._ranges = 0
        self._lock = Lock()

    def plan(self, first: int, limit: int, *, failures: int = 0) -> tuple[Way, int]:
        """The way to ask next and how far from `first`, at most to `limit`; half as far for every failure there."""
        with self._lock:
            way = cheapest(self.ways, self._ranges)
            self._ranges += 1
            way.asked_at = self._ranges
            last = way.estimate.take(first, limit)
        return way, first + ((last - first) >> failures)

    def shrink(self, way: Way, first: int, last: int) -> None:
        """Ask for less from now on: a node that times out does not say that a range was too large for it."""
        if first < last:
            with self._lock:
                way.estimate.refused(first, last, TooLarge("no answer in time"))

    def read(self, node: Node, way: Way, first: int, last: int) -> Reading:
        """Read exactly [first, last]. The caller sees to it that they are final and the node has them.

        Raises RpcError.
        """
        try:
            return self._read(node, way, first, last)
        except (MethodUnsupported, Refused):
            # Some nodes want an address in every question. By address it is known whom they refuse.
            if way is self.ways[0]:
                raise
            with self._lock:
                self.ways = self.ways[:1]
            return self._read(node, self.ways[0], first, last)

    def _read(self, node: Node, way: Way, first: int, last: int) -> Reading:
        reading = Reading(last, Matches([], []))
        logs: list[Log] = []
        for question in way.questions:
            logs += self._ask(node, way, question, first, last, reading)
        reading.logs = len(logs)
        reading.matches = self.index.match(logs)
        with self._lock:
            if reading.answers:
                largest = max(blocks for blocks, _ in reading.answers)
                densest = max(found / blocks for blocks, found in reading.answers)
                way.estimate.succeeded(largest, math.ceil(densest * largest))
            way.measured(last - first + 1, reading.requests, len(logs))
        return reading

    def _ask(self, node: Node, way: Way, question: Question, first: int, last: int, reading: Reading) -> list[Log]:
        """One question over a range, in as many pieces as the node wants."""
        logs: list[Log] = []
        while first <= last:
            with self._lock:
                until = way.estimate.take(first, last)
            reading.requests += 1
            try:
                found = node.range_logs(first, until, question.addresses, question.topics)
            except TooLarge as error:
                if until == first:
                    logs += self._ask_block(node, question, first, reading)
                    first += 1
                    continue
                with self._lock:
                    way.estimate.refused(first, until, error)
                continue
            except Refused as error:
                found = self._ask_without_the_refused(node, question, first, until, error, reading)
            reading.answers.append((until - first + 1, len(found)))
            logs += found
            first = until + 1
        return logs

    def _ask_block(self, node: Node, question: Question, block: int, reading: Reading) -> list[Log]:
        """One block that is too large for one answer: ask for half of the question, in the end read its receipts."""
        halves = split(question)
        if not halves:
            header = node.header(block)
            if header is None:
                raise Inconsistent(f"block {block:,} is final and the node has logs of it, but no header")
            reading.requests += 2
            return [log for log in node.receipts_logs(header) if fits(question, log)]
        logs: list[Log] = []
        for half in halves:
            reading.requests += 1
            try:
                logs += node.range_logs(block, block, half.addresses, half.topics)
            except TooLarge:
                logs += self._ask_block(node, half, block, reading)
        return logs

    def _ask_without_the_refused(
        self, node: Node, question: Question, first: int, last: int, error: Refused, reading: Reading
    ) -> list[Log]:
        """Find the contracts that make the node refuse, so that they hold up nobody else.

        Raises the refusal where it is not about contracts: where the node does not answer for one without logs either.
        """
        if question.addresses is None:
            raise error
        try:
            reading.requests += 1
            node.range_logs(first, last, [NO_CONTRACT], question.topics)
        except Refused:
            raise error from None
        logs: list[Log] = []
        waiting = [question.addresses]
        while waiting:
            part = waiting.pop()
            reading.requests += 1
            try:
                logs += node.range_logs(first, last, part, question.topics)
            except Refused as answer:
                if len(part) == 1:
                    reading.refused[part[0]] = str(answer)
                else:
                    waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
        return logs


def split(question: Question) -> list[Question]:
    """The same question in two halves, by address or else by topic; empty when it cannot be split."""
    addresses, topics = question
    if addresses is not None and len(addresses) > 1:
        middle = len(addresses) // 2
        return [Question(addresses[:middle], topics), Question(addresses[middle:], topics)]
    if len(topics) > 1:
        middle = len(topics) // 2
        return [Question(addresses, topics[:middle]), Question(addresses, topics[middle:])]
    return []


def fits(question: Question, log: Log) -> bool:
    """Whether a log answers the question."""
    if question.addresses is not None and log.address not in question.addresses:
        return False
    return bool(log.topics) and log.topics[0] in question.topics
