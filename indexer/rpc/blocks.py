"""Read the watched logs of one block at the strongest level that its chain and its endpoints allow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from indexer.rpc.agreement import same_logs
from indexer.rpc.errors import BlockUnknown, Inconsistent, MethodUnsupported, Refused, RpcError, TooLarge
from indexer.rpc.integrity import is_round
from indexer.rpc.levels import Level
from indexer.rpc.member import Need
from indexer.rpc.node import Node
from indexer.rpc.pool import EndpointPool
from indexer.rpc.proofs import EMPTY_ROOT, Watched, missing_from_bloom
from indexer.rpc.types import Header, Log

RECEIPTS = "eth_getBlockReceipts"
LOGS = "eth_getLogs"
ALL_SET = bytes([255]) * 256
"""A bloom that excludes nothing."""
MOST_NULL_ROUNDS = 64
"""Heights without a block that are looked over for the next one."""


class BlockLogs(NamedTuple):
    """The watched logs of one block by log index, what they were checked against, and the labels of who gave them."""

    logs: list[Log]
    level: Level
    endpoints: tuple[str, ...]


class Answer(NamedTuple):
    """The watched logs as one endpoint gives them."""

    label: str
    logs: list[Log]


class BlockReader:
    """Reads blocks for one set of watched pairs, up to the level `goal`. Safe to share between threads.

    A check that fails where the chain is known to keep its rule is the endpoint's fault: it is blamed, and another one
    asked. Where the rule does not hold, or nobody serves what the check needs, the next weaker level is tried.
    """

    def __init__(self, pool: EndpointPool, watched: Watched, goal: Level = Level.PROVED) -> None:
        self.pool = pool
        self.watched = watched
        self.goal = goal

    def read(self, header: Header, answer: Answer | None = None) -> BlockLogs:
        """Return the logs of exactly this block, whose hash is `header.hash`; `answer` is what one endpoint has given.

        Raises BlockUnknown where nobody has it (any more), Inconsistent where the endpoints contradict the header or
        each other and none could be shown right, and any other RpcError.
        """
        if not self.watched.topics:
            return BlockLogs([], self.goal, ())
        proved = self._proved(header) if self.goal is Level.PROVED else None
        return proved or self._by_bloom(header, answer) or self._agreed(header, answer)

    def read_many(self, headers: Sequence[Header]) -> list[BlockLogs]:
        """Return `read` of several blocks, in order; only of the first ones where one of them cannot be read now.

        Logs are asked for in batches, receipts block by block. Raises what `read` raises for the first block.
        """
        answers = self._ask_many(headers)
        found: list[BlockLogs] = []
        for header in headers:
            try:
                found.append(self.read(header, answers.get(header.hash)))
            except RpcError:
                if not found:
                    raise
                break
        return found

    def _ask_many(self, headers: Sequence[Header]) -> dict[bytes, Answer]:
        """What one endpoint gives of these blocks, by hash; those that are missing are to be asked for one by one."""
        if not self.watched.topics or self.goal is Level.PROVED:
            return {}
        wanted = [header for header in headers if not self._is_excluded(header)]
        if len(wanted) < 2:
            return {}
        try:
            answers = self.pool.ask(
                lambda node: self._logs_of_many(node, wanted), Need(last=wanted[-1].number, first=wanted[0].number)
            )
        except RpcError:
            return {}
        pairs = zip(wanted, answers, strict=True)
        return {header.hash: answer for header, answer in pairs if self._fits_bloom(header, answer)}

    def _has_bloom(self, header: Header) -> bool:
        """Whether the goal asks for what this header's bloom may say."""
        known = header.logs_bloom is not None and header.hash_checks
        return self.goal >= Level.BLOOM and known and self.pool.trust.worth("bloom")

    def _is_excluded(self, header: Header) -> bool:
        """Whether the bloom alone shows that the block holds no watched log."""
        return (
            self._has_bloom(header)
            and self.pool.trust.holds("bloom", header.number)
            and not self.watched.not_excluded(header.logs_bloom or ALL_SET)
        )

    def _proved(self, header: Header) -> BlockLogs | None:
        """By the receipts root; None where that proves nothing on this chain or receipts are not served."""
        trust = self.pool.trust
        root = header.receipts_root
        if root is None or not header.hash_checks or not trust.worth("receipts_root"):
            return None
        if root == EMPTY_ROOT and trust.holds("receipts_root", header.number):
            return BlockLogs([], Level.PROVED, ())
        try:
            label, logs, fits = self.pool.ask(lambda node: self._prove(node, header, root), _need(header, RECEIPTS))
        except (MethodUnsupported, TooLarge):
            return None
        return BlockLogs(logs, Level.PROVED, (label,)) if fits else None

    def _prove(self, node: Node, header: Header, root: bytes) -> tuple[str, list[Log], bool]:
        """The watched logs in a node's receipts, and whether these have the root. Raises where they must and do not."""
        label = node.endpoint.label
        receipts = node.receipts(header)
        fits = receipts.root == root
        trust = self.pool.trust
        if not fits and trust.holds("receipts_root", header.number):
            raise Inconsistent(
                f"block {header.number:,}: its receipts have the root {_hex(receipts.root)}, its header {_hex(root)}",
                endpoint=label,
                method=RECEIPTS,
            )
        if receipts.receipts:
            trust.note("receipts_root", fits, header.number)
        return label, self._watched(receipts.logs), fits

    def _by_bloom(self, header: Header, given: Answer | None = None) -> BlockLogs | None:
        """By the header's bloom; None where that does not exclude every watched log that did not come."""
        trust = self.pool.trust
        if not self._has_bloom(header):
            return None
        possible = self.watched.not_excluded(header.logs_bloom or ALL_SET)
        if not possible and trust.holds("bloom", header.number):
            return BlockLogs([], Level.BLOOM, ())
        answer = given or self._ask(header, lambda node: self._within_bloom(node, header))
        came = {(bytes.fromhex(log.address[2:]), bytes.fromhex(log.topics[0][2:])) for log in answer.logs}
        if not trust.holds("bloom", header.number):
            return None
        if possible <= came:
            return BlockLogs(answer.logs, Level.BLOOM, (answer.label,))
        return self._compared_with_receipts(header, answer)

    def _fits_bloom(self, header: Header, answer: Answer) -> bool:
        """Whether an answer is within the bloom, where that counts; whoever gave one that is not is blamed."""
        if not self._has_bloom(header):
            return True
        try:
            self._check_bloom(header, answer)
        except Inconsistent:
            self.pool.blame(answer.label, "inconsistent")
            return False
        return True

    def _within_bloom(self, node: Node, header: Header) -> Answer:
        answer = self._logs_of(node, header)
        self._check_bloom(header, answer)
        return answer

    def _check_bloom(self, header: Header, answer: Answer) -> None:
        """Raise Inconsistent for a log that the bloom must hold and does not."""
        trust = self.pool.trust
        stranger = missing_from_bloom(header.logs_bloom or bytes(256), answer.logs)
        if stranger is not None and trust.holds("bloom", header.number):
            raise Inconsistent(
                f"block {header.number:,}: a log of {stranger.address} that the header's bloom excludes",
                endpoint=answer.label,
                method=LOGS,
            )
        if answer.logs:
            trust.note("bloom", stranger is None, header.number)

    def _compared_with_receipts(self, header: Header, answer: Answer) -> BlockLogs | None:
        """What the bloom leaves open the receipts must say, best those of another endpoint; None where nobody serves
        them."""
        try:
            other = self._receipts_of_another(header, answer) or self._ask_receipts(header)
        except (MethodUnsupported, TooLarge):
            return None
        if not same_logs(answer.logs, other.logs):
            return self._decided(header, [answer, other])
        labels = tuple(sorted({answer.label, other.label}))
        return BlockLogs(answer.logs, Level.AGREED if len(labels) > 1 else Level.CLAIMED, labels)

    def _receipts_of_another(self, header: Header, answer: Answer) -> Answer | None:
        """None where nobody else gives them."""
        if len(self.pool.members) < 2:
            return None
        try:
            return self._ask_receipts(header, but={answer.label})
        except RpcError:
            return None

    def _ask_receipts(self, header: Header, but: Collection[str] = ()) -> Answer:
        return self.pool.ask(
            lambda node: Answer(node.endpoint.label, self._watched(node.receipts(header).logs)),
            _need(header, RECEIPTS),
            but=but,
        )

    def _agreed(self, header: Header, answer: Answer | None = None) -> BlockLogs:
        """By a second endpoint; one endpoint's word where there is no second that answers now."""
        one = answer or self._ask(header, lambda node: self._logs_of(node, header))
        claimed = BlockLogs(one.logs, Level.CLAIMED, (one.label,))
        if self.goal < Level.AGREED or len(self.pool.members) < 2:
            return claimed
        try:
            other = self._ask(header, lambda node: self._logs_of(node, header), but={one.label})
        except RpcError:
            return claimed
        if same_logs(one.logs, other.logs):
            return BlockLogs(one.logs, Level.AGREED, tuple(sorted((one.label, other.label))))
        return self._decided(header, [one, other])

    def _decided(self, header: Header, answers: Sequence[Answer]) -> BlockLogs:
        """What can be proved or, where nothing can, what two endpoints say against the rest; whoever said otherwise is
        blamed. Raises Inconsistent where no two say the same."""
        given = list(answers)
        truth = self._proved(header)
        while truth is None and len({answer.label for answer in given}) < len(self.pool.members):
            given.append(
                self._ask(header, lambda node: self._logs_of(node, header), but={answer.label for answer in given})
            )
            latest = given[-1]
            same = [answer for answer in given if same_logs(answer.logs, latest.logs)]
            labels = {answer.label for answer in same}
            if len(labels) > 1:
                truth = BlockLogs(latest.logs, Level.AGREED, tuple(sorted(labels)))
        if truth is not None:
            for answer in given:
                if not same_logs(answer.logs, truth.logs):
                    self.pool.blame(answer.label, "logs")
            return truth
        words = ", ".join(f"{answer.label} {len(answer.logs)}" for answer in given)
        raise Inconsistent(f"block {header.number:,}: endpoints give different logs ({words})")

    def _ask(self, header: Header, question: Callable[[Node], Answer], but: Collection[str] = ()) -> Answer:
        return self.pool.ask(question, _need(header), but=but)

    def _logs_of(self, node: Node, header: Header) -> Answer:
        return self._whole(node, header, node.block_logs(header, self.watched.topics))

    def _logs_of_many(self, node: Node, headers: Sequence[Header]) -> list[Answer]:
        given = node.blocks_logs(headers, self.watched.topics)
        return [self._whole(node, header, logs) for header, logs in zip(headers, given, strict=True)]

    def _whole(self, node: Node, header: Header, logs: Sequence[Log]) -> Answer:
        """The watched ones among the logs that a node gives of a block."""
        found = self._watched(logs)
        if is_round(len(logs)):
            found = self._not_cut(node, header, found)
        return Answer(node.endpoint.label, found)

    def _not_cut(self, node: Node, header: Header, found: list[Log]) -> list[Log]:
        """The watched logs by the receipts of a node whose answer may have been cut without a word."""
        try:
            whole = self._watched(node.receipts_logs(header))
        except (MethodUnsupported, Refused, TooLarge):
            return found
        if len(whole) > len(found):
            self.pool.blame(node.endpoint.label, "cut")
        return whole

    def _watched(self, logs: Sequence[Log]) -> list[Log]:
        return [log for log in logs if self.watched.holds(log)]


def linked_headers(pool: EndpointPool, first: int, last: int) -> list[Header]:
    """Return the headers of blocks `first` to `last`, linked by their parent hashes to one that most endpoints give.

    A height without a block (a null round) has no header: the block above it follows one below. Raises BlockUnknown
    where one is missing, Inconsistent where a link does not hold or the last one is not what most endpoints give.
    """
    headers = [header for header in pool.headers(range(first, last + 1)) if header is not None]
    chain = headers if headers and headers[-1].number == last else [*headers, next_header(pool, last + 1)]
    for below, header in pairwise(chain):
        if header.parent_hash != below.hash:
            kind = Inconsistent if header.number == below.number + 1 else BlockUnknown
            raise kind(f"block {header.number:,} does not follow block {below.number:,}: its parent is another")
    if chain[0].number > first:
        before = pool.header_by_hash(chain[0].parent_hash)
        if before is None or before.number >= first:
            raise BlockUnknown(f"no header of block {first:,}, and {chain[0].number:,} follows none before it")
    top = pool.canonical(chain[-1].number)
    if top is None or top.hash != chain[-1].hash:
        raise Inconsistent(f"block {chain[-1].number:,} is not the one that most endpoints give")
    return headers


def next_header(pool: EndpointPool, number: int) -> Header:
    """Return the first header from this number on. Raises BlockUnknown where there is none for long."""
    for height in range(number, number + MOST_NULL_ROUNDS):
        header = pool.header(height)
        if header is not None:
            return header
    raise BlockUnknown(f"no header of block {number:,} or of one after it")


def is_null_round(node: Node, number: int, head: int) -> bool:
    """Whether there is no block at this number, as a node's own blocks show: the next one, which is `head` at most,
    follows one before it. Raises RpcError."""
    above = node.headers(range(number + 1, min(head, number + MOST_NULL_ROUNDS) + 1))
    following = next((header for header in above if header is not None), None)
    before = following and node.header_by_hash(following.parent_hash)
    return before is not None and before.number < number


def _need(header: Header, method: str | None = None) -> Need:
    return Need(last=header.number, first=header.number, method=method)


def _hex(root: bytes | None) -> str:
    return "nobody can compute" if root is None else f"0x{root.hex()}"
