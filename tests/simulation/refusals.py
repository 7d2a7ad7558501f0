"""Errors in the words of real providers: limits that hold, throttling, quotas, and texts that nobody knows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.recorded_node import as_set
from tests.simulation.blocks import Answer
from tests.simulation.endpoint import SimulatedNode
from tests.simulation.faults import LOGS, RECEIPTS, Call, Dice, Harm, Kind, Refusal
from tests.simulation.lies import PRUNED_BELOW

Ask = Callable[[], Any]

RANGE_CAP = 40
RESULT_CAP = 90
ADDRESS_CAP = 3
BATCH_CAP = 10
"""Blocks, logs, addresses and calls that a small node takes; one block in a hundred alone has more logs."""


class Said(NamedTuple):
    """An error as a provider writes it; the text may name what was asked and what is allowed."""

    code: int | None
    words: str
    data: object = None
    status: int = 200
    headers: Mapping[str, str] = {}

    def refusal(self, **named: object) -> Refusal:
        data = self.data.format(**named) if isinstance(self.data, str) else self.data
        return Refusal(self.code, self.words.format(**named), data, self.status, self.headers)


# {cap}, {asked}: blocks; {first}, {last}, {good}: the range asked for and the last block of one that would work.
RANGE_TEXTS: Sequence[Said] = (
    Said(-32602, "range {asked} exceeds limit of {cap}"),
    Said(-32614, "eth_getLogs is limited to a {cap} range", status=413),
    Said(
        -32602,
        "Invalid params",
        "the range {first} - {last} exceeds the range allowed for your plan ({asked} > {cap}).",
    ),
    Said(-32600, "block range is too wide"),
    Said(
        -32602,
        "Block range limit exceeded. See more details at https://docs.chainstack.com/docs/limits#evm-range-limits",
    ),
    Said(-32000, "exceed maximum block range: {cap}"),
    Said(-32005, "eth_getLogs block range too large, range: {asked}, max: {cap}"),
    Said(
        -32600,
        "You can make eth_getLogs requests with up to a {cap} block range. "
        "Based on your parameters, this block range should work: [{first:#x}, {good:#x}]",
        status=400,
    ),
    Said(-32000, "block range too large ({asked}), maximum allowed is {cap} blocks"),
    Said(-32000, "requested too many blocks from {first} to {last}, maximum is set to {cap}"),
    Said(-32000, "block range is larger than max block range, block range = {asked}, max block range = {cap}"),
    Said(None, "no backend is currently healthy to serve traffic", status=503),
)
# The last three suggest what was asked for, its ends the wrong way round, and blocks that nobody asked for.
RESULT_TEXTS: Sequence[Said] = (
    Said(-32005, "query returned more than {logs} results"),
    Said(-32000, "logs matched by query exceeds limit of {logs}"),
    Said(-32005, "query returned more than {logs} results. Try with this block range [{first:#x}, {good:#x}]."),
    Said(
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on "
        "the response size, or you can request any block range with a cap of 10K logs in the response. Based on your "
        "parameters and the response size limit, this block range should work: [{first:#x}, {good:#x}]",
    ),
    Said(-32008, "Response is too big", "Exceeded max limit of 167772160"),
    Said(-32602, "query exceeds max results {logs}, retry with the range {first}-{last}"),
    Said(None, "Log response size exceeded. this block range should work: [{last:#x}, {first:#x}]"),
    Said(-32005, "query returned more than {logs} results. Try with this block range [{outside:#x}, {last:#x}]."),
)
ADDRESS_TEXTS: Sequence[Said] = (
    Said(-32602, "exceed max addresses or topics per search position"),
    Said(-32000, "specify less number of address"),
)
THROTTLE_TEXTS: Sequence[Said] = (
    Said(
        429,
        "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely "
        "ignore this message.",
        status=429,
        headers={"Retry-After": "1"},
    ),
    Said(-32007, "300/second request limit reached - reduce calls per second or upgrade your account at quicknode.com"),
    Said(-32029, "Rate limit exceeded. Consider upgrading your plan to increase your rate limit."),
    Said(-32005, "Too many requests", status=429),
    Said(None, "error code: 1015", status=429),
)
QUOTA_TEXTS: Sequence[Said] = (
    Said(
        -32000,
        "Monthly capacity limit exceeded. Visit https://dashboard.alchemyapi.io/settings/billing to upgrade your "
        "scaling policy for continued service.",
        status=429,
    ),
    Said(-32005, "daily request count exceeded, request rate limited", {"rate": {"backoff_seconds": 30}}),
    Said(42903, "There are not enough CUPs left to cover the CU required for current request."),
)
PRUNED_TEXTS: Sequence[Said] = (
    Said(4444, "pruned history unavailable"),
    Said(-32000, "Receipt not available for From block {first}."),
    Said(-32000, "height is not available (requested height: {first}, base height: 155251499)"),
    Said(-32043, "Requested data is not available"),
)
UNKNOWN_BLOCK_TEXTS: Sequence[Said] = (
    Said(-32000, "unknown block"),
    Said(-32019, "block is out of range"),
    Said(-32603, "upstream does not have the requested block yet"),
    Said(-32000, "cannot query unfinalized data"),
    Said(-32000, "hash {hash} is not currently canonical"),
)
STRANGE_TEXTS: Sequence[Said] = (
    Said(-32000, "the flux capacitor is not aligned"),
    Said(-32603, "Internal error"),
    Said(40000, "Unexpected error (code=40000)"),
    Said(-32000, "ReceiptGen.GetReceipt: txn is a state-sync transaction"),
)
OFF_TEXTS: Sequence[Said] = (
    Said(-32601, "the method {method} does not exist/is not available"),
    Said(-32005, "limit exceeded"),
    Said(-32612, "This method is disabled"),
)


def of_this_node(texts: Sequence[Said], dice: Dice) -> Said:
    """One provider has one wording, whatever it is asked."""
    return dice.random("wording").choice(texts)


def span(node: SimulatedNode, call: Call) -> tuple[int, int] | None:
    """The range that a call asks logs of; None where it asks by hash or for something else."""
    if call.method != "eth_getLogs" or "blockHash" in call.params[0]:
        return None
    return node.asked_range(call.params[0])


def range_cap(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    asked = span(node, call)
    if asked is None or asked[1] - asked[0] < RANGE_CAP:
        return ask()
    first, last = asked
    said = of_this_node(RANGE_TEXTS, dice)
    raise dice.committed(
        said.refusal(asked=last - first + 1, cap=RANGE_CAP, first=first, last=last, good=first + RANGE_CAP - 1)
    )


def result_cap(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    logs: list[Answer] = ask()
    if len(logs) <= RESULT_CAP:
        return logs
    first, last = span(node, call) or (height := int(logs[0]["blockNumber"], 16), height)
    heights = [int(log["blockNumber"], 16) for log in logs]
    good = max(first, heights[RESULT_CAP] - 1)
    said = of_this_node(RESULT_TEXTS, dice)
    raise dice.committed(said.refusal(logs=RESULT_CAP, first=first, last=last, good=good, outside=max(0, first - 500)))


def address_cap(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    if len(as_set(call.params[0].get("address"))) <= ADDRESS_CAP:
        return ask()
    raise dice.committed(of_this_node(ADDRESS_TEXTS, dice).refusal())


def saying(texts: Sequence[Said]) -> Callable[..., Any]:
    """Refuse what is asked, in any of these words."""

    def answers(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
        said = dice.random("").choice(texts)
        first, _ = span(node, call) or (0, 0)
        raise dice.committed(said.refusal(first=first, hash=call.params[0] if call.params else "", method=call.method))

    return answers


def method_off(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    raise dice.committed(of_this_node(OFF_TEXTS, dice).refusal(method=call.method))


def by_hash_off(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """Polygon zkEVM refuses a block hash with the words for a range that is too large."""
    if "blockHash" not in call.params[0]:
        return ask()
    raise dice.committed(Refusal(-32602, "logs are limited to a 10000 block range"))


def pruned(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    answer = ask()
    asked = span(node, call)
    if asked is None:
        heights = [int(each["blockNumber"], 16) for each in answer or ()]
        asked = (min(heights, default=PRUNED_BELOW), PRUNED_BELOW)
    if asked[0] >= PRUNED_BELOW:
        return answer
    raise dice.committed(of_this_node(PRUNED_TEXTS, dice).refusal(first=asked[0]))


def poisoned(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """There are blocks whose logs a node cannot read, and it says so in words that nobody knows."""
    struck = {log["blockHash"] for log in ask() if dice.strikes(log["blockHash"])}
    if not struck:
        return ask()
    raise dice.committed(of_this_node(STRANGE_TEXTS, dice).refusal())


def unknown_tip(node: SimulatedNode, call: Call, ask: Ask, dice: Dice) -> Any:
    """The newest block is not known to the part of the node that has the logs."""
    asked = span(node, call)
    newest = node.chain.canonical[node.head].hash
    at_tip = asked[1] >= node.head if asked else newest in (call.params[0], _hash_of(call))
    if not at_tip:
        return ask()
    said = dice.random("").choice(UNKNOWN_BLOCK_TEXTS)
    raise dice.committed(said.refusal(hash=newest))


def _hash_of(call: Call) -> object:
    return call.params[0].get("blockHash") if isinstance(call.params[0], dict) else None


ANY = frozenset[str]()

REFUSALS: Sequence[Kind] = (
    Kind("range-cap", "5.1", Harm.REFUSAL, LOGS, range_cap, sticky=True),
    Kind("result-cap", "5.1", Harm.REFUSAL, LOGS, result_cap, sticky=True),
    Kind("address-cap", "5.1", Harm.REFUSAL, LOGS, address_cap, sticky=True),
    Kind("throttled", "5.2", Harm.REFUSAL, ANY, saying(THROTTLE_TEXTS)),
    Kind("quota-spent", "5.2", Harm.REFUSAL, ANY, saying(QUOTA_TEXTS)),
    Kind("strange-refusal", "5.1", Harm.REFUSAL, LOGS | RECEIPTS, saying(STRANGE_TEXTS)),
    Kind("poisoned-block", "5.1", Harm.REFUSAL, LOGS, poisoned, sticky=True),
    Kind("no-receipts", "5.2", Harm.REFUSAL, RECEIPTS, method_off),
    Kind("no-logs", "5.1", Harm.REFUSAL, LOGS, method_off),
    Kind("no-logs-by-hash", "5.1", Harm.REFUSAL, LOGS, by_hash_off),
    Kind("pruned", "5.3 #6", Harm.REFUSAL, LOGS | RECEIPTS, pruned),
    Kind("unknown-block", "5.3 #19", Harm.REFUSAL, LOGS | RECEIPTS, unknown_tip),
)
