"""How to ask a node for the logs of many jobs: by their addresses, some hundreds a request, or by topic alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.positions.definition import Definition
from indexer.rpc import Log, RangeEstimate

ADDRESSES_PER_REQUEST = 500
"""geth takes 1,000 addresses a filter by default; some providers fewer, and say so."""
REQUEST_COST = 500_000
"""What one request weighs beside its bytes: the 50 ms that it takes a provider to begin with an answer are as long as
500 kB take at 10 MB/s, and its price is for requests rather than for bytes."""
BYTES_PER_LOG = 600
"""A log in JSON, measured on mainnet Transfer logs (three topics, 32 bytes of data)."""
BYTES_PER_ADDRESS = 45
EXPLORE_EVERY = 50
"""Ranges after which a way that was dearer is measured again."""


class Question(NamedTuple):
    """One eth_getLogs filter without its blocks; `addresses` None asks for every contract."""

    addresses: tuple[str, ...] | None
    topics: tuple[str, ...]


@dataclass
class Way:
    """One way to ask, and what it has cost so far."""

    name: str
    questions: list[Question]
    estimate: RangeEstimate
    blocks: float = 0
    logs: float = 0
    asked_at: int = field(default=0)

    @property
    def request_cost(self) -> float:
        addresses = sum(len(question.addresses or ()) for question in self.questions) / len(self.questions)
        return REQUEST_COST + addresses * BYTES_PER_ADDRESS

    def cost(self, blocks: int) -> float:
        """What a block costs of a range of so many: its part of the requests as large as they are now, and its logs."""
        requests = len(self.questions) * self.request_cost / min(blocks, self.estimate.blocks)
        return requests + self.logs / self.blocks * BYTES_PER_LOG

    def least_cost(self, blocks: int) -> float:
        """The same if there were no logs, and the requests as large as they may be."""
        return len(self.questions) * self.request_cost / min(blocks, self.estimate.cap)

    def measured(self, blocks: int, logs: int) -> None:
        """Note a reading; what came before counts half from then on."""
        self.blocks = self.blocks / 2 + blocks
        self.logs = self.logs / 2 + logs


def ask_by_address(definitions: Iterable[Definition], per_request: int = ADDRESSES_PER_REQUEST) -> list[Question]:
    """Contracts in slices, those with the same topics together: no log of another event of theirs is asked for."""
    topics: dict[bytes, set[bytes]] = defaultdict(set)
    for definition in definitions:
        topics[definition.contract].add(definition.topic0)
    groups: dict[tuple[bytes, ...], list[bytes]] = defaultdict(list)
    for contract in sorted(topics):
        groups[tuple(sorted(topics[contract]))].append(contract)
    return [
        Question(tuple(_hex(group[start : start + per_request])), tuple(_hex(wanted)))
        for wanted, group in sorted(groups.items())
        for start in range(0, len(group), per_request)
    ]


def ask_by_topic(definitions: Iterable[Definition]) -> list[Question]:
    """All contracts' logs of the watched events in one question; the rest is left out after it came."""
    return [Question(None, tuple(_hex(sorted({definition.topic0 for definition in definitions}))))]


def ways_to_ask(definitions: Sequence[Definition], per_request: int = ADDRESSES_PER_REQUEST) -> list[Way]:
    """By address, and by topic where that could take fewer requests; none without definitions."""
    by_address = ask_by_address(definitions, per_request)
    if not by_address:
        return []
    ways = [Way("by address", by_address, RangeEstimate())]
    if len(by_address) > 1:
        # A topic alone can bring thousands of logs a block, so it starts with few blocks.
        ways.append(Way("by topic", ask_by_topic(definitions), RangeEstimate(start=16)))
    return ways


def cheapest(ways: Sequence[Way], ranges_read: int, blocks: int) -> Way:
    """The way with the least cost per block for a range of up to `blocks`.

    Each is measured once, that with the fewest questions first, and now and then again: unless it could not be the
    cheapest even if it brought no log at all.
    """
    measured = [way for way in ways if way.blocks]
    best = min(measured, key=lambda way: way.cost(blocks), default=None)
    for way in reversed(ways):
        is_due = not way.asked_at or ranges_read - way.asked_at >= EXPLORE_EVERY
        if is_due and (best is None or way is best or way.least_cost(blocks) < best.cost(blocks)):
            return way
    return best or ways[-1]


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


def with_fewer_addresses(question: Question, limit: int | None) -> list[Question]:
    """The same question in parts of at most `limit` addresses, halves where that is not known or no less; with one
    address or none in halves of its topics. Empty when it cannot be split."""
    addresses, topics = question
    if addresses is None or len(addresses) < 2 or not limit or limit >= len(addresses):
        return split(question)
    return [Question(addresses[start : start + limit], topics) for start in range(0, len(addresses), limit)]


def fits(question: Question, log: Log) -> bool:
    """Whether a log answers the question."""
    if question.addresses is not None and log.address not in question.addresses:
        return False
    return bool(log.topics) and log.topics[0] in question.topics


def _hex(items: Iterable[bytes]) -> list[str]:
    return ["0x" + item.hex() for item in items]
