"""`rewind` undoes everything above a block, and the worker reads it again."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.positions.pool_fixtures import fill
from tests.positions.world import A, B, World, grow


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("RPC_URLS_HILLTOP", world.evm.url)
    return world


def run(block: int) -> str:
    out = StringIO()
    call_command("rewind", "hilltop", "--to", str(block), stdout=out)
    return out.getvalue().strip()


def rest(world: World) -> int:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    head = world.setting("latest_block_processed")
    assert isinstance(head, int)
    return head


@pytest.mark.parametrize("depth", [1, 5, 6, 7, 20], ids=lambda depth: f"{depth}-blocks")
def test_what_lies_above_is_gone_and_a_running_loop_reads_it_again(world: World, depth: int) -> None:
    head = rest(world)
    latest = world.latest()
    latest.step()
    assert run(head - depth) == (f"hilltop: {depth} blocks undone; the worker reads on from {head - depth + 1:,}")
    assert world.setting("latest_block_processed") == head - depth
    assert all(block <= head - depth for block in world.rows().values())
    world.check_claims()
    while latest.step():
        pass
    world.check_claims()
    world.settle()
    world.check_truth()


def test_a_batch_read_before_is_thrown_away(world: World) -> None:
    head = rest(world)
    grow(world.evm, 1)
    latest = world.latest()
    original = latest.commit

    def commit(*given: Any, **options: Any) -> bool:
        run(head - 2)
        latest.commit = original  # type: ignore[method-assign]
        return original(*given, **options)

    latest.commit = commit  # type: ignore[method-assign]
    latest.step()
    assert world.setting("latest_block_processed") == head - 2
    world.settle()
    world.check_truth()


def test_blocks_that_are_not_below_the_cursor_are_refused(world: World) -> None:
    head = rest(world)
    with pytest.raises(CommandError, match=f"hilltop is not above block {head:,}"):
        run(head)
    grow(world.evm, 1)
    with pytest.raises(CommandError, match=f"hilltop is not above block {head + 1:,}"):
        run(head + 1)


def test_a_block_nobody_has_and_a_negative_one_are_refused(world: World) -> None:
    head = rest(world)
    with pytest.raises(CommandError, match="the node has no block"):
        run(head + 1000)
    with pytest.raises(CommandError, match="--to is a block number"):
        run(-1)
    assert world.setting("latest_block_processed") == head


def test_a_block_that_a_reorg_has_replaced_is_refused(world: World) -> None:
    head = rest(world)
    world.evm.reorg(3)
    with pytest.raises(CommandError, match="has been replaced by a reorg itself: choose an earlier one"):
        run(head - 1)
    assert run(head - 3).startswith("hilltop: 3 blocks undone")
    world.settle()
    world.check_truth()


def test_a_chain_that_was_never_indexed_is_one_sentence(world: World) -> None:
    with pytest.raises(CommandError, match="its worker has never run"):
        run(1)
