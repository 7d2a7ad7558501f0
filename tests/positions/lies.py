"""Section 5.3 of rpc-pathologies.md as what an endpoint does: wrong or missing data under a status of success."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple

from indexer.rpc import BlockUnknown, Level, Pruned
from tests.positions.proxy import Rule
from tests.positions.trio import Trio, changing, saying
from tests.rpc.pathologies import BLOCKS
from tests.rpc.scripted import Answer, Sent, giving, refusing, sending

LOGS, RECEIPTS = "eth_getLogs", "eth_getBlockReceipts"
HEADER, HEADER_BY_HASH = "eth_getBlockByNumber", "eth_getBlockByHash"
HEADERS = (HEADER, HEADER_BY_HASH)
ALL = (LOGS, RECEIPTS, *HEADERS)
WRONG = ("wrong",)
ORPHAN = "0x" + "0b" * 32

Call = dict[str, Any]


class Lie(NamedTuple):
    """A row of the table.

    `rules` make them for a world. With up to `borne` liars of three both loops come to the truth while they lie; with
    more they wait. `head` and `ranges` are the levels to read at; where ranges must be proved, a second endpoint is
    enough to find out a single liar. `blamed`: the classes of errors that the liar's requests are counted with; WRONG
    are answers proved wrong.
    """

    name: str
    rules: Callable[[Trio], Sequence[Rule]]
    borne: int = 2
    head: Level = Level.PROVED
    ranges: Level = Level.PROVED
    blamed: tuple[str, ...] = WRONG


def per_log(change: Callable[[list[Any]], list[Any]], methods: Sequence[str] = (LOGS, RECEIPTS)) -> Any:
    """Change the logs of an answer, in receipts those of each."""

    def altered(call: Call, result: Any) -> Any:
        if call["method"] == LOGS:
            return change(result)
        return [receipt | {"logs": change(receipt["logs"])} for receipt in result or []]

    return lambda trio: [changing(trio, tuple(methods), altered)]


def shows_no_further(trio: Trio, blocks: int = 4, *, header: bool = True) -> list[Rule]:
    """A replica that many blocks behind; without `header` it hides that, as one behind a balancer does."""
    head = trio.evm.head() - blocks
    known = {trio.evm.hash_at(number).hex() for number in range(max(0, head - 60), head + 1)}

    def lagging(call: Call, result: Any) -> Any:
        first, method = call["params"][0], call["method"]
        if method == LOGS:
            return [log for log in result if int(log["blockNumber"], 16) <= head]
        if method == RECEIPTS or (header and method == HEADER_BY_HASH):
            return result if first[2:] in known else None
        if header and method == HEADER:
            number = head if first == "latest" else int(first, 16)
            return trio.evm.ask(HEADER, hex(number), False) if number <= head else None
        return result

    return [changing(trio, ALL, lagging)]


def without_logs_yet(trio: Trio) -> list[Rule]:
    """The newest blocks are shown before their logs are there."""
    newest = trio.evm.head() - 3

    def not_there(call: Call, result: Any) -> Any:
        if call["method"] == LOGS:
            return [log for log in result if int(log["blockNumber"], 16) < newest]
        late = [receipt for receipt in result or [] if int(receipt["blockNumber"], 16) >= newest]
        return [] if late else result

    return [changing(trio, (LOGS, RECEIPTS), not_there)]


def drops_one(trio: Trio) -> list[Rule]:
    """One log in seven blocks is left out."""
    return list(
        per_log(lambda logs: [log for log in logs if int(log["blockNumber"], 16) % 7 != 3 or log["logIndex"] != "0x1"])(
            trio
        )
    )


def hole_in_index(trio: Trio) -> list[Rule]:
    """eth_getLogs finds nothing in ten blocks; the receipts are there."""
    first = trio.floor + 5
    holed = range(first, first + 10), range(trio.evm.head() - 4, trio.evm.head() + 50)

    def hide(call: Call, result: Any) -> Any:
        return [log for log in result if not any(int(log["blockNumber"], 16) in hole for hole in holed)]

    return [changing(trio, LOGS, hide)]


def pruned_as_empty(trio: Trio) -> list[Rule]:
    gone = trio.floor + 12

    def empty(call: Call, result: Any) -> Any:
        if call["method"] == LOGS:
            return [log for log in result if int(log["blockNumber"], 16) >= gone]
        return [receipt for receipt in result or [] if int(receipt["blockNumber"], 16) >= gone]

    return [changing(trio, (LOGS, RECEIPTS), empty)]


def siblings(trio: Trio) -> list[Rule]:
    """The logs of a block that was at this number before a reorg."""

    def orphaned(logs: list[Any]) -> list[Any]:
        return [log | {"blockHash": ORPHAN} if int(log["blockNumber"], 16) % 3 == 0 else log for log in logs]

    return list(per_log(orphaned)(trio))


def removed_beside_its_replacement(logs: list[Any]) -> list[Any]:
    return [log | {"removed": True, "blockHash": ORPHAN} for log in logs[:1]] + logs


def beyond(trio: Trio) -> list[Rule]:
    """Logs of a block that is not mined yet beside those asked for."""
    number = trio.evm.head() + 40
    later = {"blockNumber": hex(number), "blockHash": "0x" + "0c" * 32}
    return list(per_log(lambda logs: logs + [log | later for log in logs[:1]])(trio))


def pending(logs: list[Any]) -> list[Any]:
    return logs + [log | {"blockNumber": None, "blockHash": None, "logIndex": None} for log in logs[:1]]


def garbage_index(logs: list[Any]) -> list[Any]:
    return [*logs[:-1], *(log | {"logIndex": "0xfffffff7"} for log in logs[-1:])]


def goes_backwards(trio: Trio) -> list[Rule]:
    """Every second answer comes from a backend five blocks behind."""
    turns = iter(range(1_000_000))

    def rule(call: Call) -> Answer | None:
        if call["method"] != HEADER or call["params"][0] != "latest" or next(turns) % 2 == 0:
            return None
        return giving(trio.evm.ask(HEADER, hex(trio.evm.head() - 5), False))

    return [rule]


def orphan_as_canonical(trio: Trio) -> list[Rule]:
    """After a reorg of two blocks the old ones are still given as if they were canonical."""
    head = trio.evm.head()
    old = {number: trio.evm.ask(HEADER, hex(number), False) for number in (head - 1, head)}
    receipts = {old[number]["hash"]: trio.evm.ask(RECEIPTS, hex(number)) for number in old}
    by_hash = {header["hash"]: header for header in old.values()}
    trio.evm.reorg(2)
    for user in range(3):
        trio.evm.emit(b"\xaa" * 20, bytes([90 + user]) * 20)
        trio.evm.mine()

    def rule(call: Call) -> Answer | None:
        method, first = call["method"], call["params"][0]
        if method == HEADER:
            number = head if first == "latest" else int(first, 16)
            return giving(old[number]) if number in old else giving(None) if number > head else None
        if method == HEADER_BY_HASH and first in by_hash:
            return giving(by_hash[first])
        if method == RECEIPTS and first in receipts:
            return giving(receipts[first])
        return None

    return [rule]


def reversed_and_doubled(logs: list[Any]) -> list[Any]:
    return logs[::-1] + logs[:1]


def nulls(*methods: str) -> Callable[[Trio], Sequence[Rule]]:
    return lambda trio: [saying(methods, giving(None))]


def null_receipts(trio: Trio) -> list[Rule]:
    return [changing(trio, RECEIPTS, lambda call, result: [None, *(result or [])[1:]])]


def without_result(body: bytes) -> Callable[[Trio], Sequence[Rule]]:
    return lambda trio: [saying(ALL, sending(body))]


def as_other_id(request: Any) -> Sent:
    return Sent(json.dumps({"jsonrpc": "2.0", "id": request["id"] + 1000, "result": []}).encode())


BROKEN: tuple[Answer, ...] = (
    sending(b'{"jsonrpc":"2.0","id":1,"result":[', cut=100),
    sending(b"\x28\xb5\x2f\xfdgarbage", content_encoding="zstd"),
    sending(b'{"jsonrpc":"2.0","id":1,"result":['),
    sending(b"<html>Too many requests</html>"),
    as_other_id,
)


def texts(kind: type[Exception]) -> list[Answer]:
    """Every text of this class, as its provider refuses with it."""
    return [refusing(case.code or -32000, case.message) for case in BLOCKS if case.kind is kind]


def in_turn(methods: Sequence[str], answers: Sequence[Answer]) -> Callable[[Trio], Sequence[Rule]]:
    """Each of the answers, one after the other."""
    return lambda trio: [saying(tuple(methods), partial(next_of, cycle(answers)))]


def next_of(answers: Iterator[Answer], request: Any) -> Sent:
    return next(answers)(request)


def batches_as_one(trio: Trio) -> list[Rule]:
    """A batch is answered with a single object, or in another order."""
    return [saying(ALL, lambda request: Sent(b"", 200))]


LIES = (
    Lie("1: a lagging replica", shows_no_further, borne=1, blamed=()),
    Lie("1: a lagging replica that shows the head", lambda trio: shows_no_further(trio, header=False), blamed=()),
    Lie("2: logs come after their block", without_logs_yet),
    Lie("3: a dropped log", drops_one),
    Lie("4: a hole in the index", hole_in_index, head=Level.BLOOM),
    Lie("5: pruned as empty", pruned_as_empty),
    Lie("7: null for headers", nulls(*HEADERS), borne=1, blamed=("Transport",)),
    Lie("7: null for receipts", nulls(RECEIPTS), blamed=()),
    Lie("7: null for logs", nulls(LOGS), head=Level.BLOOM, ranges=Level.CLAIMED, blamed=("Transport",)),
    Lie("7: null among receipts", null_receipts, blamed=("Transport",)),
    Lie("7: no result", without_result(b'{"jsonrpc":"2.0","id":1}'), blamed=("Transport",)),
    Lie("7: an empty object", without_result(b"{}"), blamed=("Transport",)),
    Lie("8: logs of a sibling", siblings),
    Lie("9: removed beside its replacement", per_log(removed_beside_its_replacement), ranges=Level.CLAIMED),
    Lie("10: logs beyond the head", beyond, ranges=Level.CLAIMED),
    Lie("10: pending logs", per_log(pending), ranges=Level.CLAIMED, blamed=("Transport",)),
    Lie("11: duplicates", per_log(reversed_and_doubled), ranges=Level.CLAIMED),
    Lie("11: out of order", per_log(lambda logs: logs[::-1], [LOGS]), borne=3, ranges=Level.CLAIMED, blamed=()),
    Lie("14: a garbage index", per_log(garbage_index), ranges=Level.CLAIMED),
    Lie("16: a head that goes backwards", goes_backwards, blamed=()),
    Lie("6: pruned, in every text", in_turn((LOGS, RECEIPTS), texts(Pruned)), ranges=Level.CLAIMED, blamed=("Pruned",)),
    Lie("18: broken transport", in_turn(ALL, BROKEN), blamed=("Transport",)),
    Lie(
        "19: unknown block, in every text",
        in_turn((LOGS, RECEIPTS, HEADER_BY_HASH), texts(BlockUnknown)),
        ranges=Level.CLAIMED,
        blamed=("BlockUnknown",),
    ),
)
