"""kill -9 at any moment, of the worker or of its database backends, loses and doubles nothing.

The real worker follows a real chain that grows and reorganizes, while jobs are disabled, enabled, changed and read
again. At every kill what is claimed to be covered is checked, and in the end everything is.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread

import pytest
from psycopg import sql

from indexer.chains.connections import connect
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from tests import evm
from tests.evm import TRANSFER
from tests.positions.world import A, B, C, World, grow
from tests.processes import ChainWorker, backends, wait_until, waiting_backends

BY_SENDER = {"topic0": TRANSFER, "user_topic": 1}
HELD = ["logs", "scans", "blocks", "jobs", "segments", "unsettled", "settings"]
"""Tables at whose statements a loop is stopped and killed: in the midst of a transaction, each in turn."""
KILLS = 18
"""Two in three at a statement, one wherever the loops happen to be."""
TERMINATIONS = 6
"""Every other one at a statement."""


class Traffic(Thread):
    """Mines and reorganizes until told to stop; whoever holds `standing_still` sees a chain that does not move."""

    def __init__(self, chain: evm.Chain, seed: int) -> None:
        super().__init__(daemon=True)
        self.chain = chain
        self.random = Random(seed)
        self.standing_still = Lock()
        self.over = Event()

    def __enter__(self) -> "Traffic":
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        while not self.over.wait(0.1):
            with self.standing_still:
                if self.random.random() < 0.2:
                    self.chain.reorg(self.random.randint(1, 8))
                grow(self.chain, self.random.randint(1, 2))


def live_and_change(world: World, random: Random, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        change_something(world, random)
        time.sleep(0.05 * random.random())


@contextmanager
def stopped_at(world: World, table: str) -> Iterator[None]:
    """Both loops wait for a lock of this table, or one of them where the other does not come by.

    The historic loop has a past to read that nobody has read before: a lost commit would show.
    """
    for contract in (A, B):
        change_definition(world, contract)
    enable_jobs(world.connection, list(world.jobs().values()))
    wait_until(lambda: not world.connection.execute("SELECT 1 FROM jobs WHERE live_from IS NULL").fetchone())
    with connect(world.chain) as holder, holder.transaction():
        holder.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table)))
        until = time.monotonic() + 0.8
        while len(waiting_backends(world.connection, "hilltop")) < 2 and time.monotonic() < until:
            time.sleep(0.005)
        wait_until(lambda: bool(waiting_backends(world.connection, "hilltop")))
        yield


def change_something(world: World, random: Random) -> None:
    """What users do to jobs while the worker runs, and whether it runs or not."""
    jobs = list(world.jobs().values())
    some = random.sample(jobs, random.randint(1, len(jobs)))
    act = random.random()
    if act < 0.5:
        rescan_jobs(world.connection, some, world.floor + random.randint(0, 20))
    elif act < 0.7:
        disable_jobs(world.connection, some)
    elif act < 0.9:
        enable_jobs(world.connection, jobs)
    else:
        change_definition(world, C)


def change_definition(world: World, contract: bytes) -> None:
    """The contract's users are now the other side of its transfers."""
    row = world.connection.execute(
        "SELECT user_topic FROM jobs WHERE contract_address = %s AND NOT retired", [contract]
    ).fetchone()
    assert row is not None
    world.import_list({contract: BY_SENDER if row[0] == 2 else "Transfer"})


def free_segments(world: World) -> int:
    """How many segments the dead have left claimed; their leases end now instead of in half a minute.

    That is all a worker on another machine would see after that time, and a test cannot wait it out at every kill.
    """
    return world.connection.execute("UPDATE segments SET lease_until = now() WHERE owner IS NOT NULL").rowcount


def cut(world: World, pids: list[int]) -> None:
    world.connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [pids])


def begin(world: World) -> None:
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer"})


def is_at_rest(world: World) -> bool:
    return bool(
        world.setting("latest_block_processed") == world.evm.head()
        and world.setting("coverage")["complete"]
        and not world.connection.execute("SELECT 1 FROM jobs WHERE retired OR NOT enabled").fetchone()
    )


@pytest.mark.slow
def test_workers_killed_at_any_moment_leave_the_truth(world: World, tmp_path: Path) -> None:
    random = Random(17)
    log = tmp_path / "worker.log"
    begin(world)
    claimed = 0
    with Traffic(world.evm, seed=18) as traffic:
        for kill in range(KILLS):
            with ChainWorker("hilltop", url=world.evm.url, log=log) as worker:
                wait_until(lambda: bool(backends(world.connection, "hilltop")))
                live_and_change(world, random, random.choice([0.1, 0.5, 1.5]) * random.random())
                if kill % 3:
                    with stopped_at(world, HELD[kill % len(HELD)]):
                        worker.kill()
            with traffic.standing_still:
                wait_until(lambda: not backends(world.connection, "hilltop"))
                world.check_claims()
            claimed += free_segments(world)
    enable_jobs(world.connection, list(world.jobs().values()))
    with ChainWorker("hilltop", "--until-synced", url=world.evm.url, log=log) as worker:
        assert worker.wait() == 0, worker.said
    world.check_end()
    assert "Traceback" not in worker.said
    # The kills left claimed segments behind, and blocks that were stored and then taken back.
    assert claimed >= 2
    assert world.setting("rewind")["count"] >= 2


@pytest.mark.slow
def test_a_worker_whose_connections_are_cut_goes_on_and_leaves_the_truth(world: World, tmp_path: Path) -> None:
    random = Random(27)
    begin(world)
    with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log") as worker:
        with Traffic(world.evm, seed=28) as traffic:
            for number in range(TERMINATIONS):
                live_and_change(world, random, random.random())
                wait_until(lambda: bool(backends(world.connection, "hilltop")))
                if number % 2:
                    with stopped_at(world, HELD[number % len(HELD)]):
                        cut(world, waiting_backends(world.connection, "hilltop"))
                else:
                    cut(world, backends(world.connection, "hilltop")[:1])
                with traffic.standing_still:
                    world.check_claims()
                free_segments(world)
        enable_jobs(world.connection, list(world.jobs().values()))
        free_segments(world)
        wait_until(lambda: is_at_rest(world), what=lambda: worker.said)
        assert worker.terminate() == 0
    assert worker.said.count("the database is away") >= TERMINATIONS / 2
    assert "Traceback" not in worker.said
    world.check_end()
