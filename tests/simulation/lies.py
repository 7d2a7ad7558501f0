"""Answers that look right and are not: what the facts about providers list as wrong data with a success status."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.simulation.blocks import ZERO_HASH, Answer, Block
from tests.simulation.endpoint import SimulatedNode
from tests.simulation.events import TRANSFER
from tests.simulation.faults import ABSENT, HEADERS, HEADS, LOGS, RECEIPTS, Call, Dice, Harm, Kind
from tests.simulation.seal import ordered_root

Ask = Callable[[], Any]

LATE = 3
"""Blocks below its head that a lagging replica does not have."""
PRUNED_BELOW = 20
"""The height from which a pruned node has logs."""
ROUND = 100
"""Logs that a truncating node answers at most: the least of the round counts that providers have."""
GARBAGE_INDEX = "0xfffffff7"
FAR = 12
"""Blocks that a node is late which is very late: more than the finality depth."""
HOLE = 5
"""Heights in a row that a node's index of logs has lost."""


def on_logs(change: Callable[[SimulatedNode, Call, list[Answer], Dice], list[Answer]]) -> Callable[..., Any]:
    """A fault that makes another list of a list of logs; one that changes nothing was none."""

    def answers(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
        logs = ask()
        changed = change(node, call, logs, dice)
        return logs if changed == logs else dice.committed(changed)

    return answers


def on_receipts(change: Callable[[SimulatedNode, Answer, Dice], Answer]) -> Callable[..., Any]:
    """A fault that makes another receipt of the one with the most logs in an answer."""

    def answers(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
        receipts = ask()
        if not receipts:
            return receipts
        place = max(range(len(receipts)), key=lambda place: len(receipts[place]["logs"]))
        changed = change(node, receipts[place], dice)
        if changed == receipts[place]:
            return receipts
        return dice.committed([*receipts[:place], changed, *receipts[place + 1 :]])

    return answers


def height(log: Answer) -> int:
    return int(log["blockNumber"], 16)


def lagging(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return [log for log in logs if height(log) <= node.head - LATE]


def not_there_yet(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """The newest block is shown before it was executed: no logs, no receipts."""
    answer = ask()
    if not isinstance(answer, list):
        return answer
    early = [each for each in answer if height(each) < node.head]
    return answer if early == answer else dice.committed(early)


def one_dropped(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    place = dice.random("").randrange(len(logs)) if logs else 0
    return logs[:place] + logs[place + 1 :]


def dropped_for_good(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    """The same logs are missing from every answer."""
    return [log for log in logs if not dice.strikes(f"{log['blockHash']}{log['logIndex']}")]


def hole(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    """Whole heights are missing whenever a filter is asked; the receipts have them."""
    if not ("address" in call.params[0] or call.params[0].get("topics")):
        return logs
    return [log for log in logs if not dice.strikes(f"hole {height(log) // HOLE}")]


def hole_in_ranges(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return logs if "blockHash" in call.params[0] else hole(node, call, logs, dice)


def pruned_empty(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    answer = ask()
    if not isinstance(answer, list):
        return answer
    kept = [each for each in answer if height(each) >= PRUNED_BELOW]
    return answer if kept == answer else dice.committed(kept)


def truncated(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return logs[:ROUND]


def null(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    return dice.committed(None)


def absent(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    return dice.committed(ABSENT)


def empty_object(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    return dice.committed({})


def null_entries(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    answer = ask()
    return dice.committed([None, *answer[1:]]) if answer else answer


def sibling_of(node: SimulatedNode, number: int) -> Block | None:
    """The last block that stood at this height before the one that does now."""
    block = node.chain.canonical.get(number)
    siblings = node.chain.siblings(block) if block else ()
    return siblings[-1] if siblings else None


def sibling_logs(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """A reorg came between two questions: the logs are those of another block of the same height."""
    logs = ask()
    criteria = call.params[0]
    blocks = node.asked_blocks(criteria)
    siblings = [sibling_of(node, block.number) for block in blocks]
    if not any(siblings):
        return logs
    shown = [sibling or block for block, sibling in zip(blocks, siblings, strict=True)]
    return dice.committed([log for block in shown for log in node.matching(criteria, block)])


def removed_beside(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    if not logs:
        return logs
    taken_back = dice.random("").choice(logs)
    return [taken_back | {"removed": True}, *logs]


def beyond(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    """A log of a block that nobody asked for."""
    return [*logs, logs[-1] | {"blockNumber": hex(node.head + 1)}] if logs else logs


def pending(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return [*logs, logs[-1] | {"blockNumber": None, "blockHash": None, "logIndex": None}] if logs else logs


def duplicated(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return [*logs, dice.random("").choice(logs)] if logs else logs


def shuffled(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return dice.random("").sample(logs, len(logs))


def garbage_index(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return [*logs[:-1], logs[-1] | {"logIndex": GARBAGE_INDEX}] if logs else logs


def wrong_chain(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """A failover has led to a node of another chain."""
    if node.other is None:
        return ask()
    chain, chain_id = node.chain, node.chain_id
    node.chain, node.chain_id = node.other, chain_id + 1
    try:
        return dice.committed(ask())
    finally:
        node.chain, node.chain_id = chain, chain_id


def backwards(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """Another node behind the same URL has not come so far."""
    if call.method == "eth_getBlockByNumber" and call.params[0] not in ("latest", "finalized", "safe"):
        return ask()
    lag = node.lag
    node.lag = lag + dice.random("").randrange(1, 6)
    try:
        return dice.committed(ask())
    finally:
        node.lag = lag


def ahead(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """It tells of a head that it has no block of."""
    return dice.committed(hex(int(ask(), 16) + dice.random("").randrange(1, 1000)))


def clipped(node: SimulatedNode, call: Call, ask: Ask) -> Any:
    """The answer of a node that knows of no error in a range beyond its head: it gives what it has."""
    if call.method != "eth_getLogs" or "blockHash" in call.params[0]:
        return ask()
    first, last = node.asked_range(call.params[0])
    if last <= node.head:
        return ask()
    numbers = range(first, node.head + 1)
    blocks = [node.chain.canonical[number] for number in numbers if number in node.chain.canonical]
    return [log for block in blocks for log in node.matching(call.params[0], block)]


def far_behind(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """It is many blocks late, as its head says, and answers beyond that with what it has."""
    if not dice.strikes("behind"):
        return ask()
    lag = node.lag
    node.lag = lag + FAR
    try:
        return dice.committed(clipped(node, call, ask))
    finally:
        node.lag = lag


def late_backend(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """The head comes from one node, everything else from another behind it that is many blocks late."""
    tags = ("latest", "finalized", "safe")
    if call.method in ("eth_blockNumber", "eth_chainId") or (call.params and call.params[0] in tags):
        return ask()
    return far_behind(node, call, ask, dice)


def orphan_as_canonical(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    header = ask()
    if header is None or call.params[0] in ("finalized", "safe"):
        return header
    sibling = sibling_of(node, int(header["number"], 16))
    return dice.committed(sibling.header) if sibling else header


def left_behind(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """The node has stayed on the branch that the chain left last: every block it has is true, and none is canonical."""
    if not node.chain.left or node.chain.left[-1] is node.chain.tip:
        return ask()
    chain = node.chain
    canonical, tip, executed = chain.canonical, chain.tip, chain.executed
    block: Block | None = chain.left[-1]
    branch: dict[int, Block] = {}
    while block is not None and canonical.get(block.number) is not block:
        branch[block.number] = block
        block = block.parent
    fork = block.number if block else 0
    chain.canonical = {number: each for number, each in canonical.items() if number <= fork} | branch
    chain.tip, chain.executed = chain.left[-1], max(executed, chain.left[-1].number)
    try:
        return dice.committed(ask())
    finally:
        chain.canonical, chain.tip, chain.executed = canonical, tip, executed


def previous_tipset(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """Forest answers a null round with the block before it."""
    number = call.params[0]
    if not number.startswith("0x") or len(number) == 66 or int(number, 16) > node.head:
        return ask()
    found = int(number, 16)
    if found in node.chain.canonical:
        return ask()
    while found not in node.chain.canonical:
        found -= 1
    return dice.committed(node.chain.canonical[found].header)


def forged(random: Random, log: Answer) -> Answer:
    """A log that never was, beside this one: the same event, of somebody else."""
    topics = log["topics"]
    if len(topics) > 1:
        topics = [topics[0], *["0x" + "00" * 12 + random.randbytes(20).hex() for _ in topics[1:]]]
    return log | {"topics": topics, "logIndex": hex(int(log["logIndex"], 16) + 100_000)}


def forged_log(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    return [*logs, forged(dice.random(""), logs[-1])] if logs else logs


def forged_topics(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    """Beside a log with topics, one with others: no header's bloom has them."""
    indexed = [log for log in logs if len(log["topics"]) > 1]
    return [*logs, forged(dice.random(""), indexed[-1])] if indexed else logs


def changed_user(node: SimulatedNode, call: Call, logs: list[Answer], dice: Dice) -> list[Answer]:
    """The user of one transfer is another one."""
    random = dice.random("")
    return _with_user(logs, random, "0x" + "00" * 12 + random.randbytes(20).hex())


def _with_user(logs: Sequence[Answer], random: Random, user: str) -> list[Answer]:
    places = [place for place, log in enumerate(logs) if len(log["topics"]) > 2 and log["topics"][0] == _TRANSFER]
    if not places:
        return list(logs)
    place = random.choice(places)
    log = logs[place]
    changed = log | {"topics": [*log["topics"][:2], user, *log["topics"][3:]]}
    return [*logs[:place], changed, *logs[place + 1 :]]


_TRANSFER = "0x" + TRANSFER.hex()


def receipt_log_dropped(node: SimulatedNode, receipt: Answer, dice: Dice) -> Answer:
    return receipt | {"logs": receipt["logs"][:-1]}


def receipt_log_forged(node: SimulatedNode, receipt: Answer, dice: Dice) -> Answer:
    logs = receipt["logs"]
    return receipt | {"logs": [*logs, forged(dice.random(""), logs[-1])]} if logs else receipt


def receipt_user_changed(node: SimulatedNode, receipt: Answer, dice: Dice) -> Answer:
    random = dice.random("")
    return receipt | {"logs": _with_user(receipt["logs"], random, "0x" + "00" * 12 + random.randbytes(20).hex())}


def blanked(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """A block as if nothing had happened in it, in header, receipts and logs alike: only its hash tells."""
    answer = ask()
    if isinstance(answer, dict):
        if not dice.strikes(answer["hash"]) or answer.get("logsBloom") in (None, _NO_BLOOM):
            return answer
        return dice.committed(answer | {"logsBloom": _NO_BLOOM, "receiptsRoot": ordered_root([])})
    if isinstance(answer, list):
        kept = [each for each in answer if not dice.strikes(each["blockHash"])]
        return answer if kept == answer else dice.committed(kept)
    return answer


def bloom_zeroed(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    header = ask()
    if not header or header.get("logsBloom") in (None, _NO_BLOOM):
        return header
    return dice.committed(header | {"logsBloom": _NO_BLOOM})


def parent_changed(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    header = ask()
    return dice.committed(header | {"parentHash": ZERO_HASH}) if header and header["number"] != "0x0" else header


_NO_BLOOM = "0x" + "00" * 256

LIES: Sequence[Kind] = (
    Kind("lagging-replica", "5.3 #1", Harm.LOSS, LOGS, on_logs(lagging)),
    Kind("far-behind", "5.3 #1", Harm.HEAD, answers=far_behind, sticky=True),
    Kind("late-backend", "5.3 #1", Harm.HEAD, answers=late_backend, sticky=True),
    Kind("logs-not-there-yet", "5.3 #2", Harm.LOSS, LOGS | RECEIPTS, not_there_yet),
    Kind("log-dropped", "5.3 #3", Harm.LOSS, LOGS, on_logs(one_dropped)),
    Kind("log-dropped-for-good", "5.3 #3", Harm.LOSS, LOGS, on_logs(dropped_for_good), sticky=True),
    Kind("receipt-log-dropped", "5.3 #3", Harm.LOSS, RECEIPTS, on_receipts(receipt_log_dropped)),
    Kind("hole-in-index", "5.3 #4", Harm.LOSS, LOGS, on_logs(hole), sticky=True),
    Kind("hole-in-ranges", "5.3 #4", Harm.LOSS, LOGS, on_logs(hole_in_ranges), sticky=True),
    Kind("pruned-empty", "5.3 #5", Harm.LOSS, LOGS | RECEIPTS, pruned_empty),
    Kind("null-result", "5.3 #7", Harm.SHAPE, LOGS | RECEIPTS | HEADERS, null),
    Kind("no-result", "5.3 #7", Harm.SHAPE, LOGS | RECEIPTS | HEADERS, absent),
    Kind("empty-object", "5.3 #7", Harm.SHAPE, LOGS | RECEIPTS | HEADERS, empty_object),
    Kind("null-entries", "5.3 #7", Harm.SHAPE, LOGS | RECEIPTS, null_entries),
    Kind("sibling-logs", "5.3 #8", Harm.SIBLING, LOGS, sibling_logs),
    Kind("removed-beside", "5.3 #9", Harm.SHAPE, LOGS, on_logs(removed_beside)),
    Kind("beyond-head", "5.3 #10", Harm.SHAPE, LOGS, on_logs(beyond)),
    Kind("pending-log", "5.3 #10", Harm.SHAPE, LOGS, on_logs(pending)),
    Kind("duplicates", "5.3 #11", Harm.SHAPE, LOGS, on_logs(duplicated)),
    Kind("out-of-order", "5.3 #11", Harm.NONE, LOGS, on_logs(shuffled)),
    Kind("truncated", "5.3 #12", Harm.CUT, LOGS, on_logs(truncated)),
    Kind("garbage-index", "5.3 #14", Harm.SHAPE, LOGS, on_logs(garbage_index)),
    Kind("wrong-chain", "5.3 #15", Harm.BRANCH, frozenset(), wrong_chain),
    Kind("head-backwards", "5.3 #16", Harm.HEAD, HEADS, backwards),
    Kind("head-ahead", "5.3 #16", Harm.HEAD, frozenset({"eth_blockNumber"}), ahead),
    Kind("orphan-as-canonical", "5.3 #17", Harm.BRANCH, frozenset({"eth_getBlockByNumber"}), orphan_as_canonical),
    Kind("left-behind", "5.3 #17", Harm.BRANCH, frozenset(), left_behind),
    Kind("previous-tipset", "5.3 #20", Harm.SHAPE, frozenset({"eth_getBlockByNumber"}), previous_tipset),
    Kind("forged-log", "5.3", Harm.FORGERY, LOGS, on_logs(forged_log)),
    Kind("forged-topics", "5.3", Harm.STRANGER, LOGS, on_logs(forged_topics)),
    Kind("changed-user", "5.3", Harm.FORGERY, LOGS, on_logs(changed_user)),
    Kind("receipt-log-forged", "5.3", Harm.FORGERY, RECEIPTS, on_receipts(receipt_log_forged)),
    Kind("receipt-user-changed", "5.3", Harm.FORGERY, RECEIPTS, on_receipts(receipt_user_changed)),
    Kind("block-blanked", "5.3", Harm.LOSS, LOGS | RECEIPTS | HEADERS, blanked, sticky=True),
    Kind("bloom-zeroed", "5.3", Harm.HEADER, HEADERS, bloom_zeroed),
    Kind("parent-changed", "5.3", Harm.HEADER, HEADERS, parent_changed),
)
