"""Each fault of a simulated node, alone and always: what the product's client then sees, beside what is true."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from indexer.rpc import (
    BlockUnknown,
    Inconsistent,
    MethodUnsupported,
    Node,
    Pruned,
    Refused,
    RpcError,
    Rulebook,
    Throttled,
    TooLarge,
    Transport,
)
from indexer.rpc.proofs import EMPTY_ROOT
from tests.simulation import refusals
from tests.simulation.blocks import Oddities
from tests.simulation.chain import Chain
from tests.simulation.clients import client
from tests.simulation.conftest import Serve
from tests.simulation.events import TRANSFER
from tests.simulation.faults import Harm
from tests.simulation.kinds import BY_NAME, KINDS
from tests.simulation.refusals import RANGE_CAP, RESULT_CAP, Said

BY_TRANSFER = ["0x" + TRANSFER.hex()]
NO_BLOOM = bytes(256)
Ask = Callable[[Node], Any]
Verdict = Callable[[Any, Any], bool]


def newest_logs(node: Node) -> Any:
    header = node.header(40)
    assert header is not None
    return node.block_logs(header, [])


def newest_receipts(node: Node) -> Any:
    header = node.header(40)
    assert header is not None
    return node.receipts_logs(header)


def logs_by_hash(node: Node) -> Any:
    """As `newest_logs`, but without another way where a node refuses."""
    header = node.header(40)
    assert header is not None
    return node.endpoint.call("eth_getLogs", [{"blockHash": "0x" + header.hash.hex()}], list[dict[str, Any]])


def batch(node: Node) -> Any:
    return node.endpoint.batch("eth_getBlockByNumber", [[hex(n), False] for n in range(12)], dict[str, Any])


def blocks(first: int, last: int, topics: list[str] | None = None) -> Ask:
    return lambda node: list(node.range_logs(first, last, None, topics or []))


def of_contracts(node: Node) -> Any:
    return list(node.range_logs(0, 40, ["0x" + f"{place:02x}" * 20 for place in range(0xA0, 0xA6)], []))


def header(block: int | str) -> Ask:
    return lambda node: node.header(block)


def fewer(by: int) -> Verdict:
    return lambda got, true: len(got) == len(true) - by and all(log in true for log in got)


def one_more(got: Any, true: Any) -> bool:
    return len(got) == len(true) + 1 and all(log in got for log in true)


def one_other(got: Any, true: Any) -> bool:
    return len(got) == len(true) and sum(each not in true for each in got) == 1


def same(got: Any, true: Any) -> bool:
    return bool(got == true)


def hashes(logs: Any) -> set[str]:
    return {log.block_hash for log in logs}


SEEN: dict[str, tuple[Ask, type[RpcError] | Verdict]] = {
    "lagging-replica": (blocks(30, 40), lambda got, true: got == [log for log in true if log.block_number <= 37]),
    "logs-not-there-yet": (newest_logs, lambda got, true: got == [] != true),
    "log-dropped": (newest_logs, fewer(1)),
    "log-dropped-for-good": (newest_logs, lambda got, true: got == [] != true),
    "receipt-log-dropped": (newest_receipts, fewer(1)),
    "hole-in-index": (blocks(0, 40, BY_TRANSFER), lambda got, true: got == [] != true),
    "hole-in-ranges": (blocks(0, 40, BY_TRANSFER), lambda got, true: got == [] != true),
    "pruned-empty": (blocks(15, 25), lambda got, true: got == [log for log in true if log.block_number >= 20]),
    "null-result": (blocks(30, 40), Transport),
    "no-result": (blocks(30, 40), Transport),
    "empty-object": (blocks(30, 40), Transport),
    "null-entries": (blocks(30, 40), Transport),
    "sibling-logs": (blocks(35, 38), lambda got, true: bool(got) and not hashes(got) & hashes(true)),
    "removed-beside": (newest_logs, Inconsistent),
    "beyond-head": (newest_logs, Inconsistent),
    "pending-log": (newest_logs, Transport),
    "duplicates": (newest_logs, Inconsistent),
    "out-of-order": (blocks(0, 40), same),
    "truncated": (blocks(0, 40), lambda got, true: got == true[:100]),
    "garbage-index": (newest_logs, Inconsistent),
    "wrong-chain": (lambda node: (node.chain_id(), node.header(5)), lambda got, true: got[0] == 31338 and got != true),
    "head-backwards": (header("latest"), lambda got, true: 35 <= got.number < true.number),
    "head-ahead": (lambda node: node.head(), lambda got, true: got > true),
    "orphan-as-canonical": (header(36), lambda got, true: got.hash != true.hash and got.hash_checks),
    "left-behind": (header("latest"), lambda got, true: got.number == 38 and got.hash_checks),
    "far-behind": (
        lambda node: (node.head(), list(node.range_logs(25, 40, None, []))),
        lambda got, true: got[0] == 28 and got[1] == [log for log in true[1] if log.block_number <= 28],
    ),
    "late-backend": (
        lambda node: (node.head(), node.header(40), list(node.range_logs(25, 40, None, []))),
        lambda got, true: got == (40, None, [log for log in true[2] if log.block_number <= 28]),
    ),
    "forged-topics": (newest_logs, one_more),
    "forged-log": (newest_logs, one_more),
    "changed-user": (blocks(0, 40), one_other),
    "receipt-log-forged": (newest_receipts, one_more),
    "receipt-user-changed": (lambda node: node.receipts_logs(node.header(25)), one_other),  # type: ignore[arg-type]
    "block-blanked": (
        header(40),
        lambda got, true: (got.logs_bloom, got.receipts_root, got.hash_checks) == (NO_BLOOM, EMPTY_ROOT, False),
    ),
    "bloom-zeroed": (header(40), lambda got, true: got.logs_bloom == NO_BLOOM and not got.hash_checks),
    "parent-changed": (header(40), lambda got, true: got.parent_hash == bytes(32) and not got.hash_checks),
    "range-cap": (blocks(0, RANGE_CAP), TooLarge),
    "result-cap": (blocks(0, 40), TooLarge),
    "address-cap": (of_contracts, TooLarge),
    "throttled": (header(3), Throttled),
    "quota-spent": (header(3), Throttled),
    "strange-refusal": (blocks(0, 3), Refused),
    "poisoned-block": (blocks(0, 40), Refused),
    "no-receipts": (newest_receipts, MethodUnsupported),
    "no-logs": (blocks(0, 3), MethodUnsupported),
    "no-logs-by-hash": (logs_by_hash, TooLarge),
    "pruned": (blocks(10, 30), Pruned),
    "unknown-block": (logs_by_hash, BlockUnknown),
    "cut-json": (header(3), Transport),
    "cut-body": (header(3), Transport),
    "page": (header(3), Transport),
    "reset": (header(3), Transport),
    "slow": (header(3), same),
    "garbled": (header(3), Transport),
    "wrong-id": (header(3), Transport),
    "batch-reordered": (batch, same),
    "single-for-batch": (batch, Refused),
    "batch-one-short": (batch, Transport),
    "batch-cap": (batch, Refused),
    "deeply-nested": (header(3), Transport),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_that_always_strikes_is_seen(serve: Serve, name: str) -> None:
    ask, expected = SEEN[name]
    other = Chain(Random(99))
    other.grow(40)
    true = ask(client(serve()))
    faulty = serve(name, other=other)
    if isinstance(expected, type):
        with pytest.raises(expected):
            ask(client(faulty))
    else:
        assert expected(ask(client(faulty)), true)
    assert faulty.done[name] >= 1


def test_the_harm_of_a_fault_is_what_a_client_of_today_would_come_to() -> None:
    """Those that do not contradict themselves are seen as good answers, and so are dangerous; all others raise."""
    quiet = {
        Harm.LOSS,
        Harm.FORGERY,
        Harm.STRANGER,
        Harm.CUT,
        Harm.SIBLING,
        Harm.BRANCH,
        Harm.HEADER,
        Harm.HEAD,
        Harm.NONE,
    }
    for name, (_, expected) in SEEN.items():
        assert isinstance(expected, type) != (BY_NAME[name].harm in quiet), name


def test_no_fault_is_left_out() -> None:
    assert {*SEEN, "previous-tipset"} == {kind.name for kind in KINDS}
    assert len(BY_NAME) == len(KINDS)


def test_the_block_before_stands_for_a_null_round(serve: Serve) -> None:
    chain = Chain(Random(3), Oddities(null_rounds=True))
    chain.grow(40)
    missing = next(number for number in range(chain.head) if number not in chain.canonical)
    node = serve("previous-tipset", chain=chain)
    with pytest.raises(Inconsistent, match=f"asked for block {missing}, got {missing - 1}"):
        client(node).header(missing)
    assert node.done["previous-tipset"] == 1


def test_a_block_beyond_the_cap_is_refused_alone(serve: Serve, generated: Chain) -> None:
    large = next(block for block in generated.blocks() if len(block.logs) > RESULT_CAP)
    with pytest.raises(TooLarge):
        client(serve("result-cap")).range_logs(large.number, large.number, None, [])


def test_what_is_lost_for_good_is_lost_again_and_the_rest_is_there(serve: Serve) -> None:
    node = client(serve("log-dropped-for-good", rate=0.3))
    true = client(serve()).range_logs(0, 40, None, [])
    got = node.range_logs(0, 40, None, [])
    assert 0 < len(got) < len(true)
    assert list(got) == [*node.range_logs(0, 20, None, []), *node.range_logs(21, 40, None, [])]


def test_a_hole_in_the_index_hides_no_receipts(serve: Serve) -> None:
    node = client(serve("hole-in-index"))
    header = node.header("latest")
    assert header is not None
    assert node.block_logs(header, BY_TRANSFER) == []
    assert [log for log in node.receipts_logs(header) if log.topics[:1] == BY_TRANSFER]


def test_a_hole_in_ranges_hides_nothing_by_hash(serve: Serve) -> None:
    node = client(serve("hole-in-ranges"))
    header = node.header("latest")
    assert header is not None
    assert not len(node.range_logs(40, 40, None, BY_TRANSFER))
    assert node.block_logs(header, BY_TRANSFER)


def test_a_blanked_block_has_no_logs_either(serve: Serve) -> None:
    node = client(serve("block-blanked"))
    header = node.header("latest")
    assert header is not None
    assert (node.block_logs(header, []), node.receipts_logs(header)) == ([], [])


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (refusals.RANGE_TEXTS, TooLarge),
        (refusals.RESULT_TEXTS, TooLarge),
        (refusals.ADDRESS_TEXTS, TooLarge),
        (refusals.THROTTLE_TEXTS, Throttled),
        (refusals.QUOTA_TEXTS, Throttled),
        (refusals.PRUNED_TEXTS, Pruned),
        (refusals.UNKNOWN_BLOCK_TEXTS, BlockUnknown),
        (refusals.STRANGE_TEXTS, Refused),
        (refusals.OFF_TEXTS, MethodUnsupported),
    ],
    ids=["range", "result", "address", "throttle", "quota", "pruned", "unknown block", "strange", "off"],
)
def test_every_wording_is_of_its_class(texts: list[Said], kind: type[RpcError]) -> None:
    for said in texts:
        named = {"asked": 20, "cap": 8, "first": 100, "last": 119, "good": 107, "logs": 60, "outside": 0}
        refusal = said.refusal(**named, hash="0xab", method="eth_getLogs")
        code, words, data = (refusal.error.get(key) for key in ("code", "message", "data"))
        assert isinstance(words, str)
        code = code if isinstance(code, int) else None
        error = Rulebook().error(code, words, data, refusal.status, refusal.headers, method="eth_getLogs")
        assert isinstance(error, kind), words
        assert "{" not in words
