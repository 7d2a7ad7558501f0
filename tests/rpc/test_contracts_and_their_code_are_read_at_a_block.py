"""What contracts answer, and the code that they are, at one block: in batches, or one by one where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from indexer.embedded.chain.anvil import Anvil
from indexer.rpc import Endpoint, Node, Transport
from indexer.rpc.node import BATCH
from tests import evm

from .scripted import ScriptedNode, each, giving, refusing, sending

ANSWERING, REVERTING, NOBODY = ("0x" + byte * 20 for byte in ("a1", "a2", "a3"))
CODES = {
    ANSWERING: "0x602a60005260206000f3",  # return 42 as a word
    REVERTING: "0x60006000fd",
}
NO_BATCHES = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch requests are not supported"}}'
WORD = (42).to_bytes(32)
CALLS = [(ANSWERING, "0x"), (REVERTING, "0x"), (NOBODY, "0x")]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[evm.Chain]:
    """Block 2 has the contracts, and block 0 none of them."""
    anvil = Anvil(31337, tmp_path_factory.mktemp("anvil"), history=100).start()
    chain = evm.Chain(anvil)
    chain.mine()
    for address, code in CODES.items():
        chain.ask("anvil_setCode", address, code)
    chain.mine()
    yield chain
    anvil.stop()


@pytest.fixture
def real(chain: evm.Chain) -> Iterator[Node]:
    endpoint = Endpoint(chain.url, "local-1")
    yield Node(endpoint)
    endpoint.close()


def test_an_answer_a_refusal_and_an_account_without_code(real: Node) -> None:
    assert real.read_contracts(CALLS, 2) == [WORD, None, b""]
    assert [real.read_contracts([call], 2) for call in CALLS] == [[WORD], [None], [b""]]
    assert real.read_contracts([], 2) == []


def test_it_is_the_state_of_the_block_that_is_asked_for(real: Node) -> None:
    assert real.read_contracts([(ANSWERING, "0x")], 0) == [b""]


def test_codes_of_contracts_and_of_nobody(real: Node) -> None:
    expected = [bytes.fromhex(code[2:]) for code in CODES.values()]
    assert real.codes([ANSWERING, REVERTING, NOBODY], 2) == [*expected, b""]
    assert real.codes([NOBODY], 2) == [b""]
    assert real.codes([], 2) == []


def test_more_than_a_batch_come_in_the_order_in_which_they_are_asked(real: Node) -> None:
    many = [CALLS[place % 3] for place in range(2 * BATCH + 1)]
    assert real.read_contracts(many, 2) == [[WORD, None, b""][place % 3] for place in range(len(many))]
    codes = real.codes([to for to, _ in many], 2)
    assert [bool(code) for code in codes] == [to != NOBODY for to, _ in many]


def test_a_node_that_takes_no_batch_is_asked_one_by_one_and_not_tried_again(scripted: ScriptedNode, node: Node) -> None:
    scripted.script.append(sending(NO_BATCHES))
    scripted.script.extend([giving("0x01"), refusing(3, "execution reverted"), giving("0x")])
    assert node.read_contracts(CALLS, 7) == [b"\1", None, b""]
    scripted.script.extend([giving("0x01"), giving("0x")])
    assert node.codes([ANSWERING, NOBODY], 7) == [b"\1", b""]
    assert [isinstance(asked, list) for asked in scripted.asked] == [True, False, False, False, False, False]
    assert [asked["params"][1] for asked in scripted.asked[1:]] == ["0x7"] * 5


def test_a_batch_is_matched_by_id_whatever_its_order(scripted: ScriptedNode, node: Node) -> None:
    def answer(call: Any) -> object:
        to = call["params"][0]["to"]
        return {"code": 3, "message": "execution reverted"} if to == REVERTING else "0x" + to[-2:]

    scripted.script.append(each(answer))
    assert node.read_contracts(CALLS, 7) == [b"\xa1", None, b"\xa3"]


def test_a_node_that_is_down_is_no_refusal(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = sending(b"busy", 503)
    with pytest.raises(Transport):
        node.read_contracts(CALLS, 7)
    with pytest.raises(Transport):
        node.codes([ANSWERING], 7)
