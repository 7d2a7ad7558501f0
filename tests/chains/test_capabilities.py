"""An endpoint's capabilities are what it answers, and a worker's needs are told from what is merely good to have."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from indexer.chains.capabilities import Capability, probe_endpoint
from indexer.chains.profiles import Finality
from indexer.rpc import Endpoint
from tests.rpc.scripted import Answer, ScriptedNode, Sent, giving, refusing

HASH = "0x" + "ab" * 32
HEADER = {"number": "0x64", "hash": HASH, "parentHash": "0x" + "cd" * 32, "timestamp": "0x1"}
TAGGED = Finality(64, "finalized")


class Said:
    """What a node answers to each method; `eth_getLogs` by hash and by range are told apart."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {
            "eth_chainId": giving("0x2a"),
            "eth_getBlockByNumber": giving(HEADER),
            "logs by hash": giving([]),
            "logs by range": giving([]),
            "eth_getBlockReceipts": giving([]),
        }

    def __call__(self, request: Any) -> Sent:
        method = request["method"]
        if method == "eth_getLogs":
            method = "logs by hash" if "blockHash" in request["params"][0] else "logs by range"
        if method == "eth_getBlockByNumber" and request["params"][0] == "0x0":
            return giving(HEADER | {"number": "0x0"})(request)
        return self.answers[method](request)


@pytest.fixture
def scripted() -> Iterator[ScriptedNode]:
    node = ScriptedNode()
    yield node
    node.stop()


@pytest.fixture
def said(scripted: ScriptedNode) -> Said:
    said = Said()
    scripted.always = said
    return said


@pytest.fixture
def probe(scripted: ScriptedNode) -> Callable[[Finality], dict[str, Capability]]:
    def probe(finality: Finality) -> dict[str, Capability]:
        found = probe_endpoint(Endpoint(scripted.url, "local-1", timeout=5.0), 42, finality)
        return {capability.name: capability for capability in found}

    return probe


Probe = Callable[[Finality], dict[str, Capability]]


def test_a_node_that_answers_everything_can_everything(said: Said, probe: Probe) -> None:
    found = probe(TAGGED)
    assert all(capability.works for name, capability in found.items() if name != "proofs")
    assert found["chain id"].detail == "42"
    assert found["head"].detail == "100"
    assert found["tag finalized"].detail == "100"
    assert {"logs by block hash", "logs by range", "block receipts", "block 0"} <= set(found)


def test_the_tag_is_asked_for_only_where_finality_is_a_tag(said: Said, probe: Probe, scripted: ScriptedNode) -> None:
    assert not any(name.startswith("tag") for name in probe(Finality(12)))
    assert "finalized" not in [request["params"][0] for request in scripted.asked if request["params"]]


def test_another_chain_id_ends_the_questions(said: Said, probe: Probe, scripted: ScriptedNode) -> None:
    said.answers["eth_chainId"] = giving("0x1")
    found = probe(TAGGED)
    assert list(found) == ["chain id"]
    assert found["chain id"] == Capability("chain id", False, True, "1, not 42", says_other_chain=True)
    assert len(scripted.asked) == 1


def test_an_endpoint_that_does_not_answer_is_not_another_chain(said: Said, probe: Probe) -> None:
    said.answers["eth_chainId"] = refusing(-32000, "no such key")
    found = probe(TAGGED)
    assert list(found) == ["chain id"]
    assert not found["chain id"].says_other_chain
    assert "no such key" in found["chain id"].detail


def test_a_node_without_a_head_is_asked_no_further(said: Said, probe: Probe) -> None:
    said.answers["eth_getBlockByNumber"] = giving(None)
    found = probe(TAGGED)
    assert list(found) == ["chain id", "head"]
    assert (found["head"].works, found["head"].needed) == (False, True)


@pytest.mark.parametrize(
    ("method", "name", "needed"),
    [("logs by range", "logs by range", True), ("eth_getBlockReceipts", "block receipts", False)],
)
def test_what_is_refused_is_named_with_the_nodes_words(
    said: Said, probe: Probe, method: str, name: str, needed: bool
) -> None:
    said.answers[method] = refusing(-32601, "the method does not exist")
    found = probe(TAGGED)
    assert (found[name].works, found[name].needed) == (False, needed)
    assert "the method does not exist" in found[name].detail
    assert [failed for failed in found if not found[failed].works and failed != "proofs"] == [name]


def test_a_header_whose_hash_is_not_its_own_proves_nothing_and_does_no_harm(said: Said, probe: Probe) -> None:
    found = probe(TAGGED)["proofs"]
    assert (found.works, found.needed) == (False, False)
    assert "the header's hash is not that of its fields" in found.detail


def test_logs_by_hash_and_by_receipts_are_told_apart(said: Said, probe: Probe) -> None:
    said.answers["logs by hash"] = refusing(-32601, "the method does not exist")
    found = probe(TAGGED)
    assert not found["logs by block hash"].works
    assert found["block receipts"].works


def test_a_node_with_neither_logs_by_hash_nor_receipts_cannot_serve(said: Said, probe: Probe) -> None:
    said.answers["logs by hash"] = said.answers["eth_getBlockReceipts"] = refusing(-32601, "no such method")
    assert any(capability.needed and not capability.works for capability in probe(TAGGED).values())
