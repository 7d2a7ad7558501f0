"""Whoever opens an endpoint may hear of its requests: label, method, seconds, and the class of what went wrong."""

from __future__ import annotations

import pytest

from indexer.rpc import Endpoint, Node, RpcError

from .scripted import Answer, ScriptedNode, each, giving, refusing, sending

Told = list[tuple[str, str, float, "str | None"]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def observed(scripted: ScriptedNode, told: Told) -> Endpoint:
    def observe(label: str, method: str, seconds: float, problem: str | None) -> None:
        told.append((label, method, seconds, problem))

    return Endpoint(scripted.url, "local-1", timeout=5.0, observe=observe)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (giving("0x1"), None),
        (refusing(-32005, "query returned more than 10000 results"), "TooLarge"),
        (refusing(429, "too many requests", status=429), "Throttled"),
        (sending(b"<html>", 502), "Transport"),
        (refusing(-32000, "something nobody knows"), "Refused"),
    ],
)
def test_a_call_is_told_once_with_its_outcome(
    scripted: ScriptedNode, observed: Endpoint, told: Told, answer: Answer, problem: str | None
) -> None:
    scripted.always = answer
    if problem is None:
        observed.call("eth_getLogs", [], str)
    else:
        with pytest.raises(RpcError):
            observed.call("eth_getLogs", [], str)
    ((label, method, seconds, found),) = told
    assert (label, method, found) == ("local-1", "eth_getLogs", problem)
    assert 0 < seconds < 5


def test_a_batch_is_one_request(scripted: ScriptedNode, observed: Endpoint, told: Told) -> None:
    scripted.always = each(lambda call: "0x1")
    observed.batch("eth_getBlockByNumber", [["0x1", False], ["0x2", False]], str)
    assert [(method, problem) for _, method, _, problem in told] == [("eth_getBlockByNumber", None)]


def test_every_attempt_is_told(scripted: ScriptedNode, observed: Endpoint, told: Told) -> None:
    scripted.script.append(sending(b"", 503))
    scripted.always = giving("0x1")
    assert Node(observed, pause=lambda seconds: None).chain_id() == 1
    assert [problem for *_, problem in told] == ["Transport", None]
