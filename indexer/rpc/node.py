"""Ask one node what the indexer needs to know; every answer is checked before it is returned."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from indexer.rpc.answers import HeaderAnswer, ReceiptAnswer
from indexer.rpc.client import Endpoint
from indexer.rpc.columns import Found, Logs, Places, Wanted, are_in_order, choose, to_columns
from indexer.rpc.errors import (
    BlockUnknown,
    Inconsistent,
    MethodUnsupported,
    NullRound,
    Refused,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
)
from indexer.rpc.integrity import LARGEST_LOG_INDEX, check_block_logs, check_range_logs
from indexer.rpc.limits import Limits
from indexer.rpc.proofs import receipts_root
from indexer.rpc.trust import Trust
from indexer.rpc.types import Bigint, Header, HexBytes, Log, Quantity

T = TypeVar("T")

BATCH = 50
"""Headers per JSON-RPC batch; common providers take 100 or more."""
BATCHES_LOST = 2
"""Batches without a usable answer, one after the other, after which smaller ones are sent."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
"""Seconds before another attempt; a provider's own Retry-After is followed up to the longest."""
TAGS = ("finalized", "safe", "latest")


class BlockReceipts(NamedTuple):
    """All logs of a block by log index, how many `receipts` there are, and their root as computed from them; None where
    a receipt lacks what the root is made of."""

    logs: list[Log]
    receipts: int
    root: bytes | None


class Node:
    """A node behind one endpoint.

    Transport and Throttled are tried again, `attempts` times in all, with growing jittered waits; every other RpcError
    is raised at once. `pause` sleeps the given seconds and may raise to interrupt; `limits` knows the largest batch it
    takes, and learns it; `trust` what its headers must keep. Safe to share between threads.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        attempts: int = 5,
        pause: Callable[[float], None] = time.sleep,
        limits: Limits | None = None,
        trust: Trust | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or Limits()
        self._trust = trust or Trust({})
        self._attempts = attempts
        self._pause = pause
        self._wall = wall
        self._batches_lost = 0

    def chain_id(self) -> int:
        answer: str = self._retry(lambda: self.endpoint.call("eth_chainId", [], Quantity))
        return int(answer, 16)

    def head(self) -> int:
        """Return the number of the newest block this node knows."""
        answer: str = self._retry(lambda: self.endpoint.call("eth_blockNumber", [], Bigint))
        return int(answer, 16)

    def header(self, block: int | str) -> Header | None:
        """Return the header of a block number or of the tag finalized, safe or latest; None when the node has none.

        That is so as well of a height that never has one (a null round). Raises Inconsistent when the header carries
        another number than asked for.
        """
        if isinstance(block, str) and block not in TAGS:
            raise ValueError(f"{block!r} is no block tag: give a number or one of {', '.join(TAGS)}")
        method = "eth_getBlockByNumber"
        params = [block if isinstance(block, str) else hex(block), False]
        # Every node has a latest block: null for it is no answer.
        kind: Any = HeaderAnswer if block == "latest" else HeaderAnswer | None
        try:
            answer: HeaderAnswer | None = self._retry(lambda: self.endpoint.call(method, params, kind))
        except NullRound:
            return None
        return self._checked_header(method, block, answer)

    def header_by_hash(self, hash: bytes) -> Header | None:
        """Return the header with this hash (32 bytes); None when the node does not know it.

        A node may know a block that is no longer canonical. Raises Inconsistent when the header carries another hash.
        """
        method, params = "eth_getBlockByHash", ["0x" + hash.hex(), False]
        answer: HeaderAnswer | None = self._retry(lambda: self.endpoint.call(method, params, HeaderAnswer | None))
        if answer is None:
            return None
        header = answer.to_header()
        with self._blaming(method):
            if header.hash != hash:
                raise Inconsistent(f"asked for block hash 0x{hash.hex()}, got 0x{header.hash.hex()}")
            self._check_hash(header)
        return header

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """Return the header of every number, in order; None where the node has none.

        Asks in JSON-RPC batches, one by one from a node that refuses them. Raises Inconsistent like `header`.
        """
        headers: list[Header | None] = []
        while len(headers) < len(numbers):
            headers += self._batched_headers(numbers[len(headers) : len(headers) + self._batch_size])
        return headers

    def block_logs(self, header: Header, topics: Sequence[str]) -> list[Log]:
        """Return the logs of exactly this block whose topic0 is one of `topics` (none given: all), by log index.

        Asks eth_getLogs by block hash (EIP-234), and reads the receipts where that is not served or refused. Raises
        BlockUnknown when the node has not the block, or has it no longer; Inconsistent when logs do not fit it.
        """
        method = "eth_getLogs"
        params: list[object] = [{"blockHash": "0x" + header.hash.hex()} | _topics(topics)]
        try:
            logs = self._retry(lambda: self.endpoint.call(method, params, list[Log]))
        except (TooLarge, MethodUnsupported, Refused):
            wanted = {topic.lower() for topic in topics}
            logs = self.receipts_logs(header)
            return [log for log in logs if log.topics and log.topics[0] in wanted] if wanted else logs
        with self._blaming(method):
            return check_block_logs(header, logs)

    def blocks_logs(self, headers: Sequence[Header], topics: Sequence[str]) -> list[list[Log]]:
        """Return `block_logs` of several blocks, in order; asked in JSON-RPC batches, one by one where these are
        refused."""
        method = "eth_getLogs"
        found: list[list[Log]] = []
        while len(found) < len(headers):
            asked = headers[len(found) : len(found) + self._batch_size]
            calls: list[list[object]] = [
                [{"blockHash": "0x" + header.hash.hex()} | _topics(topics)] for header in asked
            ]
            answers: list[list[Log]] | None = self._in_batch(method, calls, list[Log])
            if answers is None:
                found += [self.block_logs(header, topics) for header in asked]
            else:
                with self._blaming(method):
                    found += [check_block_logs(*pair) for pair in zip(asked, answers, strict=True)]
        return found

    def receipts_logs(self, header: Header) -> list[Log]:
        """Return all logs of exactly this block from its receipts, by log index; see `receipts`."""
        return self.receipts(header).logs

    def receipts(self, header: Header) -> BlockReceipts:
        """Return what the receipts of exactly this block hold.

        Asks eth_getBlockReceipts by block hash, and by number where a node takes only numbers. Raises BlockUnknown
        when the node has not the block (the standard answer is null) or another one stands at its number.
        """
        method = "eth_getBlockReceipts"
        try:
            receipts = self._receipts("0x" + header.hash.hex())
        except Refused:
            receipts = self._receipts(hex(header.number))
            self._check_still_at_its_number(header, receipts)
        with self._blaming(method):
            expected = "0x" + header.hash.hex()
            for receipt in receipts:
                if receipt.block_hash.lower() != expected:
                    raise Inconsistent(f"block {header.number:,}: a receipt of block hash {receipt.block_hash}")
            logs = check_block_logs(header, [log for receipt in receipts for log in receipt.logs])
        return BlockReceipts(logs, len(receipts), receipts_root(receipts))

    def range_logs(self, first: int, last: int, addresses: Sequence[str] | None, topics: Sequence[str]) -> Logs:
        """Return the logs of blocks `first` to `last` by block number and log index: `wanted_logs`, all of them."""
        return self.wanted_logs(first, last, addresses, topics, None).logs.in_order()

    def wanted_logs(
        self, first: int, last: int, addresses: Sequence[str] | None, topics: Sequence[str], wanted: Wanted | None
    ) -> Found:
        """Return the wanted logs of blocks `first` to `last`, both included, in no order.

        Only those of `addresses` (None: any) whose topic0 is one of `topics` (none given: any). Raises TooLarge when
        less must be asked, Inconsistent when logs do not fit the range. A lagging node answers a range beyond its head
        with no logs and no error: never ask beyond what it has reached.
        """
        if not 0 <= first <= last:
            raise ValueError(f"blocks {first}-{last} are no range: give a first block that is not after the last")
        if addresses is not None and not addresses:
            raise ValueError("no addresses: a node would take the empty list for any address; give None to mean that")
        method = "eth_getLogs"
        criteria: dict[str, object] = {"fromBlock": hex(first), "toBlock": hex(last)}
        if addresses is not None:
            criteria["address"] = list(addresses)
        params: list[object] = [criteria | _topics(topics)]

        def fits(places: Places) -> bool:
            return are_in_order(first, last, places, LARGEST_LOG_INDEX)

        answer = self._retry(lambda: self.endpoint.call_logs(method, params, wanted, fits))
        if isinstance(answer, Found):
            return answer
        # The slow way says what is wrong, or puts them in order.
        with self._blaming(method):
            return choose(to_columns(check_range_logs(first, last, answer)), wanted)

    def read_contracts(self, calls: Sequence[tuple[str, str]], block: int) -> list[bytes | None]:
        """Return what contracts answer to eth_call: (contract, data) each, 0x hex, at this block; None to a refusal.

        A call that reverts is refused, and so is one of a method that the contract has not.
        """
        params: list[list[object]] = [[{"to": to, "data": data}, hex(block)] for to, data in calls]
        results: list[bytes | None] = []
        while len(results) < len(params):
            part = params[len(results) : len(results) + self._batch_size]
            answers = self._in_batch("eth_call", part, HexBytes, none_for=Refused)
            if answers is None:
                answers = [self._read_contract(each) for each in part]
            results += [None if answer is None else bytes.fromhex(answer[2:]) for answer in answers]
        return results

    def codes(self, addresses: Sequence[str], block: int) -> list[bytes]:
        """Return the code at every address at this block; empty where there is none."""
        method = "eth_getCode"
        params: list[list[object]] = [[address, hex(block)] for address in addresses]
        codes: list[bytes] = []
        while len(codes) < len(params):
            part = params[len(codes) : len(codes) + self._batch_size]
            answers = self._in_batch(method, part, HexBytes)
            if answers is None:
                answers = [
                    self._retry(lambda each=each: self.endpoint.call(method, each, HexBytes))  # type: ignore[misc]
                    for each in part
                ]
            codes += [bytes.fromhex(answer[2:]) for answer in answers]
        return codes

    def _read_contract(self, params: list[object]) -> Any:
        try:
            return self._retry(lambda: self.endpoint.call("eth_call", params, HexBytes))
        except Refused:
            return None

    @property
    def _batch_size(self) -> int:
        return min(BATCH, self.limits.batch or BATCH)

    def _batched_headers(self, numbers: Sequence[int]) -> list[Header | None]:
        method = "eth_getBlockByNumber"
        calls: list[list[object]] = [[hex(number), False] for number in numbers]
        answers = self._in_batch(method, calls, HeaderAnswer | None, none_for=NullRound)
        if answers is None:
            return [self.header(number) for number in numbers]
        return [self._checked_header(method, *pair) for pair in zip(numbers, answers, strict=True)]

    def _in_batch(
        self, method: str, calls: Sequence[list[object]], result: Any, *, none_for: type[RpcError] | None = None
    ) -> list[Any] | None:
        """The results of several calls as one batch; None where they are to be asked one by one: there is one only, or
        the node takes no such batch, which is learned."""
        if len(calls) < 2:
            return None
        try:
            answers = self._retry(lambda: self.endpoint.batch(method, calls, result, none_for=none_for))
        except TooLarge:
            self.limits.shrink("batch", len(calls) // 2, self._wall())
        except (Refused, MethodUnsupported):
            self.limits.shrink("batch", 1, self._wall())
        except Transport:
            # Some nodes drop the connection or answer nonsense to an array: single calls tell whether it is that.
            self._batches_lost += 1
            if self._batches_lost == BATCHES_LOST:
                self._batches_lost = 0
                self.limits.shrink("batch", len(calls) // 2, self._wall())
        else:
            self._batches_lost = 0
            return answers
        return None

    def _checked_header(self, method: str, block: int | str, answer: HeaderAnswer | None) -> Header | None:
        if answer is None:
            return None
        header = answer.to_header()
        with self._blaming(method):
            if not isinstance(block, str) and header.number < block and self._trust.gaps:
                return None  # Forest gives the tipset before a null round.
            if not isinstance(block, str) and header.number != block:
                raise Inconsistent(f"asked for block {block:,}, got {header.number:,}")
            self._check_hash(header)
        return header

    def _check_hash(self, header: Header) -> None:
        """Raise Inconsistent where a header's hash is not that of its fields, on a chain whose hashes are."""
        if not header.hash_checks and self._trust.holds("header_hash", header.number):
            raise Inconsistent(f"block {header.number:,}: its hash 0x{header.hash.hex()} is not that of its fields")
        self._trust.note("header_hash", header.hash_checks, header.number)

    def _receipts(self, block: str) -> list[ReceiptAnswer]:
        method = "eth_getBlockReceipts"
        answer: list[ReceiptAnswer] | None = self._retry(
            lambda: self.endpoint.call(method, [block], list[ReceiptAnswer] | None)
        )
        if answer is None:
            raise BlockUnknown(f"null for block {block}", endpoint=self.endpoint.label, method=method)
        return answer

    def _check_still_at_its_number(self, header: Header, receipts: list[ReceiptAnswer]) -> None:
        """Receipts asked by number may be a sibling's: their hashes tell, and for an empty block only the header."""
        hashes = {bytes.fromhex(receipt.block_hash[2:]) for receipt in receipts}
        if not hashes:
            canonical = self.header(header.number)
            hashes = {canonical.hash} if canonical else set()
        if header.hash not in hashes:
            raise BlockUnknown(
                f"block {header.number:,} is no longer 0x{header.hash.hex()}",
                endpoint=self.endpoint.label,
                method="eth_getBlockReceipts",
            )

    def _retry(self, ask: Callable[[], T]) -> T:
        wait = FIRST_WAIT
        for _ in range(self._attempts - 1):
            try:
                return ask()
            except Transport:
                asked_wait = None
            except Throttled as error:
                asked_wait = error.retry_after
            jittered = wait * random.uniform(0.5, 1.0)
            self._pause(min(LONGEST_WAIT, max(jittered, asked_wait or 0.0)))
            wait = min(LONGEST_WAIT, wait * 2)
        return ask()

    @contextmanager
    def _blaming(self, method: str) -> Iterator[None]:
        """Name the endpoint in what the pure checks raise."""
        try:
            yield
        except Inconsistent as error:
            error.endpoint, error.method = self.endpoint.label, method
            raise


def _topics(topics: Sequence[str]) -> dict[str, object]:
    """Trailing nulls change the answer of some nodes, so only the topic0 position is ever sent."""
    return {"topics": [list(topics)]} if topics else {}
