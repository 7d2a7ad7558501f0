"""What an honest simulated node answers over HTTP: to the product's client it is a node like any other."""

from random import Random

import pytest

from indexer.rpc import BlockUnknown, Inconsistent, MethodUnsupported, NullRound, same_logs
from indexer.rpc.proofs import EMPTY_ROOT
from tests.simulation.blocks import Oddities
from tests.simulation.chain import Chain
from tests.simulation.clients import client
from tests.simulation.conftest import Serve
from tests.simulation.events import TRANSFER

BY_TRANSFER = ["0x" + TRANSFER.hex()]


def test_it_shows_the_chain(serve: Serve, generated: Chain) -> None:
    node = client(serve())
    assert (node.chain_id(), node.head()) == (31337, 40)
    headers = node.headers(range(42))
    assert headers[41] is None
    for block in generated.blocks():
        header = headers[block.number]
        assert header is not None
        assert ("0x" + header.hash.hex(), header.hash_checks) == (block.hash, True)
        assert header == node.header_by_hash(header.hash)
        assert [log.log_index for log in node.block_logs(header, [])] == list(range(len(block.logs)))
        assert node.receipts_logs(header) == node.block_logs(header, [])
        if not block.receipts:
            assert header.receipts_root == EMPTY_ROOT


def test_logs_are_those_of_the_filter(serve: Serve, generated: Chain) -> None:
    node = client(serve())
    address = "0x" + generated.population.contracts[0].hex()
    everything = node.range_logs(0, 40, None, [])
    assert len(everything) == sum(len(block.logs) for block in generated.blocks())
    both = list(node.range_logs(10, 40, [address], BY_TRANSFER))
    assert both == [
        log for log in everything if log.block_number >= 10 and (log.address, log.topics[:1]) == (address, BY_TRANSFER)
    ]
    assert both
    header = node.header("latest")
    assert header is not None
    assert same_logs(node.block_logs(header, BY_TRANSFER), node.range_logs(40, 40, None, BY_TRANSFER))


def test_it_finds_final_what_its_chain_calls_final(serve: Serve) -> None:
    node = client(serve())
    final, latest = node.header("finalized"), node.header("latest")
    assert final is not None
    assert latest is not None
    assert (final.number, latest.number) == (34, 40)


def test_a_node_that_lags_has_an_earlier_head_and_says_so(serve: Serve, generated: Chain) -> None:
    node = client(serve(lag=3))
    assert node.head() == 37
    assert node.header(38) is None
    with pytest.raises(BlockUnknown):
        node.range_logs(30, 38, None, [])
    assert node.header_by_hash(bytes.fromhex(generated.tip.hash[2:])) is None


@pytest.mark.parametrize("keeps", [True, False])
def test_blocks_of_a_left_branch_are_known_by_hash_where_a_node_keeps_them(
    serve: Serve, generated: Chain, keeps: bool
) -> None:
    node = client(serve(keeps_orphans=keeps))
    orphan = generated.siblings(generated.canonical[36])[0]
    header = node.header_by_hash(bytes.fromhex(orphan.hash[2:]))
    assert (header is not None) == keeps
    if header is not None:
        assert len(node.block_logs(header, [])) == len(orphan.logs)


def test_what_was_not_executed_has_no_logs_yet(serve: Serve) -> None:
    chain = Chain(Random(3), Oddities(async_execution=1))
    chain.grow(30)
    while not chain.tip.logs:
        chain.grow()
    node = client(serve(chain=chain))
    header = node.header("latest")
    assert header is not None
    assert node.block_logs(header, []) == []
    with pytest.raises(BlockUnknown):
        node.receipts_logs(header)
    chain.execute()
    assert len(node.block_logs(header, [])) == len(node.receipts_logs(header)) == len(chain.tip.logs)


def test_a_null_round_is_refused_by_number_and_passed_over_by_range(serve: Serve) -> None:
    chain = Chain(Random(3), Oddities(null_rounds=True))
    chain.grow(40)
    missing = next(number for number in range(chain.head) if number not in chain.canonical)
    node = client(serve(chain=chain))
    with pytest.raises(NullRound, match=rf"requested epoch was a null round \({missing}\)"):
        node.endpoint.call("eth_getBlockByNumber", [hex(missing), False], object)
    assert node.header(missing) is None
    assert not len(node.range_logs(missing, missing, None, []))
    assert len(node.range_logs(0, chain.head, None, [])) == sum(len(block.logs) for block in chain.blocks())


def test_the_chain_may_change_between_two_questions(serve: Serve, generated: Chain) -> None:
    served = serve()
    node = client(served)
    before = node.header(39)
    generated.reorganise(3, 5)
    after = node.header(39)
    assert before is not None
    assert after is not None
    assert (before.hash != after.hash, node.head()) == (True, 42)


def test_a_healed_node_is_honest_and_up_to_date(serve: Serve) -> None:
    served = serve("garbage-index", lag=4)
    node = client(served)
    header = node.header("latest")
    assert header is not None
    with pytest.raises(Inconsistent):
        node.range_logs(0, 30, None, [])
    served.heal()
    assert node.head() == header.number + 4
    assert node.range_logs(0, 30, None, [])


def test_it_counts_what_it_was_asked(serve: Serve) -> None:
    served = serve()
    node = client(served)
    node.headers(range(5))
    node.head()
    assert served.requests == 2
    assert served.asked == {"eth_getBlockByNumber": 5, "eth_blockNumber": 1}


def test_other_methods_are_not_served(serve: Serve) -> None:
    with pytest.raises(MethodUnsupported):
        client(serve()).endpoint.call("eth_call", [], str)
