"""Plain retries: what passes by itself is tried again after growing waits, everything else is raised at once."""

from __future__ import annotations

import pytest

from indexer.rpc import Endpoint, Node, RpcError, Throttled, Transport
from indexer.rpc.node import LONGEST_WAIT

from .scripted import Answer, ScriptedNode, giving, refusing, sending

BUSY = sending(b"busy", 503)


def test_a_passing_failure_is_not_seen(scripted: ScriptedNode, node: Node, waits: list[float]) -> None:
    scripted.script.extend([BUSY, refusing(429, "Too many requests"), sending(b"<html>"), giving("0x10")])
    assert node.head() == 16
    assert len(waits) == 3


def test_a_lasting_failure_is_raised_after_the_last_attempt(
    scripted: ScriptedNode, node: Node, waits: list[float]
) -> None:
    scripted.always = BUSY
    with pytest.raises(Transport):
        node.chain_id()
    assert (len(scripted.asked), len(waits)) == (5, 4)


def test_waits_grow_and_stay_bounded(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    waits: list[float] = []
    scripted.always = BUSY
    with pytest.raises(Transport):
        Node(endpoint, attempts=12, pause=waits.append).head()
    assert all(0.25 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(waits[:6]))
    assert max(waits) <= LONGEST_WAIT


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("99999", LONGEST_WAIT)])
def test_the_wait_a_provider_asks_for_is_kept_within_bounds(
    asked: str, waited: float, scripted: ScriptedNode, node: Node, waits: list[float]
) -> None:
    scripted.script.extend([sending(b"slow down", 429, retry_after=asked), giving("0x1")])
    assert node.head() == 1
    assert waits == [waited]


@pytest.mark.parametrize(
    "answer",
    [
        refusing(-32000, "something new"),
        refusing(4444, "pruned history unavailable"),
        refusing(-32005, "block range too large"),
        refusing(-32601, "method not found"),
        refusing(-32000, "unknown block"),
    ],
)
def test_what_does_not_pass_is_not_tried_again(
    answer: Answer, scripted: ScriptedNode, node: Node, waits: list[float]
) -> None:
    scripted.always = answer
    with pytest.raises(RpcError):
        node.range_logs(1, 2, None, [])
    assert (len(scripted.asked), waits) == (1, [])


def test_a_pause_may_interrupt(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    def leave(seconds: float) -> None:
        raise KeyboardInterrupt

    scripted.always = BUSY
    with pytest.raises(KeyboardInterrupt):
        Node(endpoint, pause=leave).head()
    assert len(scripted.asked) == 1


def test_a_spurious_method_not_found_for_the_head_is_tried_again(scripted: ScriptedNode, node: Node) -> None:
    scripted.script.extend([refusing(-32601, "the method eth_blockNumber does not exist"), giving("0x5")])
    assert node.head() == 5


def test_one_attempt_means_no_pause(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = refusing(429, "Too many requests")
    with pytest.raises(Throttled):
        Node(endpoint, attempts=1, pause=lambda seconds: pytest.fail("paused")).head()
