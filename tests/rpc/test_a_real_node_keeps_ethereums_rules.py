"""Whatever a real anvil answers proves itself: header by its hash, receipts by their root, logs by the bloom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from indexer.chains.capabilities import probe_endpoint
from indexer.chains.profiles import Finality
from indexer.embedded.chain.anvil import Anvil
from indexer.rpc import Endpoint
from indexer.rpc.answers import HeaderAnswer, ReceiptAnswer
from indexer.rpc.proofs import EMPTY_ROOT, Watched, bloom_of, missing_from_bloom, receipts_root
from tests import evm

CONTRACT, OTHER, USER = b"\xa1" * 20, b"\xa2" * 20, b"\xee" * 20
TOPIC0 = bytes.fromhex(evm.TRANSFER[2:])


@pytest.fixture(scope="module")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anvil]:
    anvil = Anvil(31337, tmp_path_factory.mktemp("anvil"), history=100).start()
    yield anvil
    anvil.stop()


@pytest.fixture
def chain(anvil: Anvil) -> evm.Chain:
    """The chain with one block more: three transactions that log, and one of each type that does not."""
    chain = evm.Chain(anvil)
    chain.deploy(CONTRACT, OTHER)
    chain.mine()
    chain.emit(CONTRACT, USER)
    chain.emit(OTHER, USER, data=b"\x01" * 100)
    chain.emit(CONTRACT, USER, data=b"\x02")
    for fees in ({"gasPrice": hex(10**11), "accessList": []}, {"maxFeePerGas": hex(10**11)}, {"gasPrice": hex(10**11)}):
        chain.ask(
            "eth_sendTransaction", {"from": chain.accounts[0], "to": chain.accounts[1], "gas": hex(50_000)} | fees
        )
    chain.mine()
    return chain


def proved(chain: evm.Chain, number: int) -> list[dict[str, Any]]:
    """The receipts of a block that has proved itself."""
    block = chain.ask("eth_getBlockByNumber", hex(number), False)
    receipts: list[dict[str, Any]] = chain.ask("eth_getBlockReceipts", block["hash"])
    header = msgspec.convert(block, HeaderAnswer).to_header()
    answers = msgspec.convert(receipts, list[ReceiptAnswer])
    logs = [log for answer in answers for log in answer.logs]
    assert header.hash_checks
    assert receipts_root(answers) == header.receipts_root
    assert (header.receipts_root == EMPTY_ROOT) == (not receipts)
    assert header.logs_bloom == bloom_of(logs)
    assert missing_from_bloom(bloom_of(logs), logs) is None
    return receipts


def prove_all(chain: evm.Chain) -> int:
    """Prove every block there is; return how many receipts they hold."""
    return sum(len(proved(chain, number)) for number in range(chain.head() + 1))


def test_a_block_of_logs_and_of_every_type_of_transactions(chain: evm.Chain) -> None:
    receipts = proved(chain, chain.head())
    assert [len(receipt["logs"]) for receipt in receipts] == [1, 1, 1, 0, 0, 0]
    assert {receipt["type"] for receipt in receipts} == {"0x0", "0x1", "0x2"}


def test_a_failed_transaction(chain: evm.Chain) -> None:
    chain.ask("anvil_setCode", "0x" + "fd" * 20, "0x60006000fd")  # REVERT
    chain.send(b"\xfd" * 20, b"")
    chain.mine()
    assert [receipt["status"] for receipt in proved(chain, chain.head())] == ["0x0"]


def test_empty_blocks(chain: evm.Chain) -> None:
    chain.mine(3)
    assert [proved(chain, chain.head() - back) for back in range(3)] == [[], [], []]


def test_the_blocks_of_a_reorg_and_those_after_it(chain: evm.Chain) -> None:
    chain.mine(2)
    chain.emit(CONTRACT, USER)
    chain.mine()
    chain.reorg(3)
    assert proved(chain, chain.head()) == []
    chain.emit(OTHER, USER)
    chain.mine()
    assert len(proved(chain, chain.head())[0]["logs"]) == 1
    assert prove_all(chain) > 0


def test_the_blocks_of_before_and_after_a_restart(chain: evm.Chain, anvil: Anvil) -> None:
    before = prove_all(chain)
    anvil.stop()
    anvil.start()
    assert prove_all(chain) == before > 0
    chain.emit(CONTRACT, USER)
    chain.mine()
    assert len(proved(chain, chain.head())) == 1


def test_the_bloom_of_a_block_tells_which_watched_pairs_it_may_hold(chain: evm.Chain) -> None:
    header = msgspec.convert(chain.ask("eth_getBlockByNumber", "latest", False), HeaderAnswer).to_header()
    assert header.logs_bloom is not None
    pairs = Watched([(CONTRACT, TOPIC0), (CONTRACT, b"\x05" * 32), (b"\x77" * 20, TOPIC0)])
    assert pairs.not_excluded(header.logs_bloom) == {(CONTRACT, TOPIC0)}


def test_a_real_endpoint_is_found_able_to_prove_its_blocks(chain: evm.Chain) -> None:
    found = {each.name: each for each in probe_endpoint(Endpoint(chain.url, "local-1"), 31337, Finality(64))}
    assert found["proofs"].works, found["proofs"].detail
