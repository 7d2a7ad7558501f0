"""pool log that does not fit its job is counted once, shown, taken back with its block, and stops nothing."""

import pytest

from indexer.positions.protocol.jobs import rescan_jobs
from tests.evm import TRANSFER
from tests.positions.pool_fixtures import pool
from tests.positions.world import B, World

__all__ = ["pool"]

NO_ADDRESS = b"\xff" * 32
BORROW = {"abi": "event Borrow(address user)", "user": "user"}


def emit_garbage(world: World, contract: bytes) -> None:
    """pool Transfer whose receiver is no address."""
    world.evm.send(contract, bytes.fromhex(TRANSFER[2:]) + bytes(32) + NO_ADDRESS)


def counts(world: World) -> dict[bytes, int]:
    return dict(world.connection.execute("SELECT contract_address, unreadable FROM jobs WHERE NOT retired").fetchall())


def reasons(world: World) -> list[tuple[int, int, str]]:
    rows = world.connection.execute("SELECT block_number, count, reason FROM unreadable_logs ORDER BY 1")
    return [(block, count, reason) for block, count, reason in rows.fetchall()]


@pytest.fixture
def watched(world: World, pool: bytes) -> World:
    """The pool and B are live and complete."""
    world.import_list({pool: "Transfer", B: "Transfer"})
    world.settle()
    assert counts(world) == {pool: 0, B: 0}
    return world


def test_they_are_counted_per_job_and_block_with_the_first_reason(watched: World, pool: bytes) -> None:
    for _ in range(3):
        emit_garbage(watched, pool)
    watched.evm.emit(pool, b"\x77" * 20)
    block = watched.evm.mine()
    watched.settle()
    assert counts(watched) == {pool: 3, B: 0}
    assert reasons(watched) == [(block, 3, "topic 2: not an address: its upper 12 bytes are not zero")]
    assert watched.rows()[b"\x77" * 20, watched.jobs()[pool, 2]] == block
    assert watched.setting("latest_block_processed") == watched.evm.head()


def test_lookups_name_the_contract_though_every_block_is_read(watched: World, pool: bytes) -> None:
    emit_garbage(watched, pool)
    watched.evm.mine()
    watched.settle()
    assert watched.setting("coverage") == {"complete": True, "check_also": [pool.hex()], "check_also_count": 1}


@pytest.mark.parametrize("past", [False, True], ids=["above-final", "settled"])
def test_reading_a_block_again_does_not_count_twice(watched: World, pool: bytes, past: bool) -> None:
    emit_garbage(watched, pool)
    emit_garbage(watched, pool)
    watched.evm.mine(8 if past else 1)
    watched.settle()
    for _ in range(2):
        rescan_jobs(watched.connection, [watched.jobs()[pool, 2]], 0)
        watched.settle()
        assert counts(watched) == {pool: 2, B: 0}


def test_both_loops_count_the_same(watched: World, pool: bytes) -> None:
    """The block was read at the head; as the past it is read again by the historic loop."""
    emit_garbage(watched, pool)
    block = watched.evm.mine()
    watched.settle()
    watched.evm.mine(7)
    watched.settle()
    before = reasons(watched)
    rescan_jobs(watched.connection, [watched.jobs()[pool, 2]], block)
    watched.settle()
    assert (counts(watched), reasons(watched)) == ({pool: 1, B: 0}, before)


@pytest.mark.parametrize("depth", [1, 3, 12], ids=["shallow", "several", "below-final"])
def test_a_reorg_takes_them_back(watched: World, pool: bytes, depth: int) -> None:
    emit_garbage(watched, pool)
    watched.evm.mine(depth)
    watched.settle()
    assert counts(watched) == {pool: 1, B: 0}
    watched.evm.reorg(depth)
    watched.evm.mine()
    watched.settle()
    assert counts(watched) == {pool: 0, B: 0}
    assert reasons(watched) == []
    watched.check_truth()


def test_those_in_blocks_that_stay_are_kept_by_a_reorg(watched: World, pool: bytes) -> None:
    emit_garbage(watched, pool)
    watched.evm.mine()
    emit_garbage(watched, pool)
    watched.evm.mine()
    watched.settle()
    assert counts(watched) == {pool: 2, B: 0}
    watched.evm.reorg(1)
    watched.evm.mine()
    watched.settle()
    assert counts(watched) == {pool: 1, B: 0}


def test_an_event_that_is_not_what_the_abi_says_is_counted_in_the_past_too(world: World, pool: bytes) -> None:
    from eth_hash.auto import keccak

    topic0 = "0x" + keccak(b"Borrow(address)").hex()
    for _ in range(2):
        world.evm.emit(pool, b"\x66" * 20, topic0=topic0)
    world.evm.mine(8)
    world.import_list({pool: BORROW})
    world.settle()
    assert counts(world) == {pool: 2}
    assert [reason for _, _, reason in reasons(world)] == ["3 topics where the ABI has 1"]
    assert world.rows() == {}
