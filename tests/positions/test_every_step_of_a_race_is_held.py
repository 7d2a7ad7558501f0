"""New, changed and disabled jobs and reorgs against commits of both loops, one side held before each of its steps.

Every case ends the same way: at once no claim without its rows, and after both loops have come to rest exactly what a
brute-force reading of the chain says.
"""

from collections.abc import Callable

import pytest

from indexer.chains.connections import Connection
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, purge_retired
from indexer.positions.protocol.undo import undo_to
from tests.evm import TRANSFER
from tests.positions.racing import race
from tests.positions.world import A, B, C, World, grow, on

pytestmark = pytest.mark.slow

Work = Callable[[Connection], object]

BY_SENDER = {"topic0": TRANSFER, "user_topic": 1}


def add_job(world: World) -> Work:
    return lambda connection: world.import_on(connection, {C: "Transfer"})


def change_job(world: World) -> Work:
    """The old job retires, and its rows are deleted at once, as the latest loop does at its next step."""

    def run(connection: Connection) -> None:
        world.import_on(connection, {B: BY_SENDER})
        purge_retired(connection)

    return run


def disable_job(world: World) -> Work:
    return lambda connection: disable_jobs(connection, [world.jobs()[B, 2]])


def disable_and_enable_job(world: World) -> Work:
    def both(connection: Connection) -> None:
        disable_jobs(connection, [world.jobs()[B, 2]])
        enable_jobs(connection, [world.jobs()[B, 2]])

    return both


def commit_block(world: World) -> Work:
    return lambda connection: world.latest(connection).step()


def take_up(world: World) -> Work:
    """The latest loop's step is a take-up while a job waits."""
    world.import_list({C: "Transfer"})
    return lambda connection: world.latest(connection).step()


def add_and_take_up(world: World) -> Work:
    """A job comes and a second latest loop takes it up, as a standby does that took the lock over."""

    def run(connection: Connection) -> None:
        world.import_on(connection, {C: "Transfer"})
        world.latest(connection).step()

    return run


def commit_segment(world: World) -> Work:
    return lambda connection: world.run_historic(connection)


CHANGES = [add_job, change_job, disable_job, disable_and_enable_job]
LOOPS = [commit_block, commit_segment, take_up]


def begin(world: World) -> None:
    """Jobs A and B are live, some blocks above final are stored, the past of both is waiting."""
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    for _ in range(4):
        latest.step()


def finish(world: World) -> None:
    world.check_claims()
    disabled = world.connection.execute("SELECT id FROM jobs WHERE NOT enabled AND NOT retired").fetchall()
    world.settle()
    world.check_claims()
    world.check_truth()
    if disabled:
        enable_jobs(world.connection, [job for (job,) in disabled])
        world.settle()
        world.check_truth()


def hold_everywhere(world: World, held: Callable[[World], Work], other: Callable[[World], Work]) -> int:
    """Race once for every step of the held side; how many there were."""
    at = 0
    while True:
        world.begin()
        begin(world)
        first, second = held(world), other(world)
        gate = race(world.connection, at, first, on(world.chain, second))
        finish(world)
        if gate is None:
            return at
        at += 1


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_held_anywhere_lets_a_change_of_jobs_lose_nothing(
    world: World, loop: Callable[[World], Work], change: Callable[[World], Work]
) -> None:
    assert hold_everywhere(world, loop, change) >= 8


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_change_of_jobs_held_anywhere_lets_a_loop_lose_nothing(
    world: World, loop: Callable[[World], Work], change: Callable[[World], Work]
) -> None:
    assert hold_everywhere(world, change, loop) >= 8


@pytest.mark.parametrize("other", [commit_block, add_and_take_up, disable_job])
@pytest.mark.parametrize("held", [commit_block, take_up])
def test_two_writers_at_the_head_break_nothing(
    world: World, held: Callable[[World], Work], other: Callable[[World], Work]
) -> None:
    """One that lost its lock without noticing, held anywhere, and the one that took over."""
    assert hold_everywhere(world, held, other) >= 8


def undo(world: World, depth: int) -> Work:
    """The chain replaces `depth` blocks; a latest loop goes back and reads on, to where the cursor was if it can."""

    def run(connection: Connection) -> None:
        before = world.setting("latest_block_processed")
        world.evm.reorg(depth)
        grow(world.evm, 2)
        latest = world.latest(connection)
        latest.step()
        while world.setting("latest_block_processed") < before and latest.step():
            pass

    return run


@pytest.mark.parametrize("depth", [2, 5, 12], ids=["shallow", "to-final", "below-final"])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_held_anywhere_keeps_nothing_of_a_reorg(world: World, loop: Callable[[World], Work], depth: int) -> None:
    assert hold_everywhere(world, loop, lambda world: undo(world, depth)) >= 8


@pytest.mark.parametrize("depth", [1, 2, 5], ids=["shallow", "to-final", "below-final"])
@pytest.mark.parametrize("other", [commit_segment, *CHANGES])
def test_an_undo_held_anywhere_keeps_nothing_of_a_reorg(
    world: World, other: Callable[[World], Work], depth: int
) -> None:
    def held(world: World) -> Work:
        cursor = world.setting("latest_block_processed")
        world.evm.reorg(world.evm.head() - cursor + depth)
        ancestor = world.node.header(cursor - depth)
        assert ancestor is not None
        return lambda connection: undo_to(connection, ancestor)

    assert hold_everywhere(world, held, other) >= 8
