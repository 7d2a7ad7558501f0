"""Seeded random orders of blocks, reorgs, users and both loops: no proof ever says more than is so, nor names a level
stronger than the one at which a block was read.

One seed again: pytest -k 'proofs_hold and [3]'.
"""

from contextlib import ExitStack
from random import Random

import pytest

from indexer.chains.connections import connect
from indexer.positions.protocol.jobs import enable_jobs
from indexer.rpc import Level
from tests.positions.proofs import check_proof, proof_of, touches_of
from tests.positions.test_any_order_of_events_ends_in_the_truth import Life
from tests.positions.world import CLAIMS, A, B, C, World

pytestmark = pytest.mark.slow

SEEDS = (0, 6, 11)
STEPS = 60
USER = bytes([5]) * 20
STRANGER = b"\x77" * 20
WORDS = [level.word for level in Level]


class Witness:
    """Notes, for every job and block, the level of the step in which it was first said to be read."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.levels: dict[tuple[int, int], int] = {}

    def claims(self) -> set[tuple[int, int]]:
        rows = self.world.connection.execute(CLAIMS).fetchall()
        return {(row[0], block) for row in rows for part in row[-1] for block in range(part.lower, part.upper)}

    def note(self, level: int) -> None:
        now = self.claims()
        self.levels = {of: known for of, known in self.levels.items() if of in now}
        for of in now - self.levels.keys():
            self.levels[of] = level

    def check(self, contract: bytes) -> None:
        proof = proof_of(self.world, STRANGER, contract)
        for job in proof.jobs:
            for part in job.ranges:
                for block in range(part.from_, part.to + 1):
                    assert WORDS.index(part.level) <= self.levels[job.job, block], (job.job, block, part)


def is_watched(world: World, contract: bytes) -> bool:
    row = world.connection.execute(
        "SELECT 1 FROM jobs WHERE contract_address = %s AND enabled AND NOT retired", [contract]
    ).fetchone()
    return row is not None


def says_its_level(world: World) -> bool:
    """Whether the block at the cursor was read by itself: that of a range tells nothing of its own."""
    row = world.connection.execute(
        "SELECT level FROM blocks WHERE number = %s", [world.setting("latest_block_processed")]
    ).fetchone()
    return row is not None and row[0] is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_proofs_hold_in_any_order_of_events(world: World, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", world.evm.url)
    random = Random(seed)
    witness, touches = Witness(world), touches_of(world)
    kinds: set[str] = set()
    with ExitStack() as stack:
        helpers = [
            stack.enter_context(world.historic(stack.enter_context(connect(world.chain)), owner=f"helper-{number}"))
            for number in range(2)
        ]
        life = Life(world, random, helpers)
        life.loop.step()
        for step in range(STEPS):
            happenings = life.happenings()
            [happening] = random.choices(list(happenings), list(happenings.values()))
            happening()
            # Ranges are one endpoint's word here; blocks that are read one by one, however many in a step, are proved.
            single = happening == life.loop.step and says_its_level(world)
            witness.note(Level.PROVED if single else Level.CLAIMED)
            if step % 4:
                continue
            for contract in (A, B, C):
                if is_watched(world, contract):
                    witness.check(contract)
    world.settle()
    enable_jobs(world.connection, list(world.jobs().values()))
    world.settle()
    for contract in (A, B, C):
        for user in (USER, STRANGER):
            if is_watched(world, contract):
                proof = proof_of(world, user, contract, touches)
                kinds.add(check_proof(world, proof, user, contract))
    assert kinds <= {"touched", "never_touched"}
