"""A full disk, serialization failures, deadlocks, cancelled statements and the like: the loops try again, nothing is
lost, nothing is doubled, and the cursor stands where the rows do."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from indexer.chains.connections import connect
from indexer.embedded.postgres import choose_owner
from tests.positions.own_server import Elsewhere, own_server
from tests.positions.world import A, B, C, World, grow
from tests.processes import ChainWorker, backends, wait_until, waiting_backends

# SQLSTATE, and the worker's words for it.
FAULTS = {
    "53100": "the disk of the database is full",
    "40001": "the database could not do two things at once",
    "40P01": "the database could not do two things at once",
    "57014": "a statement took longer than the database allows",
    "25006": "the database takes no writes",
    "58030": "the database has trouble with its files",
    "XX000": "the database has trouble of its own",
    "53200": "the database is short of resources",
}

# A sequence is not rolled back: each number is one fault, the last ones are none. Every other one is raised by the
# COMMIT, as a deferred constraint's is.
ARM = """
CREATE SEQUENCE faults;
CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    states text[] := '{states}';
    number int := nextval('faults');
BEGIN
    IF number % 3 = 0 AND number / 3 <= array_length(states, 1) THEN
        RAISE EXCEPTION 'a fault of the test' USING ERRCODE = states[number / 3];
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fault AFTER INSERT OR UPDATE ON logs FOR EACH STATEMENT EXECUTE FUNCTION fault();
CREATE TRIGGER fault AFTER INSERT ON scans FOR EACH STATEMENT EXECUTE FUNCTION fault();
CREATE CONSTRAINT TRIGGER fault_late AFTER INSERT ON blocks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fault();
CREATE CONSTRAINT TRIGGER fault_late AFTER UPDATE ON segments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fault();
"""
DISARM = """
DROP TRIGGER fault ON logs; DROP TRIGGER fault ON scans;
DROP TRIGGER fault_late ON blocks; DROP TRIGGER fault_late ON segments;
DROP FUNCTION fault; DROP SEQUENCE faults
"""


@pytest.fixture
def faulty(world: World) -> Iterator[World]:
    states = list(FAULTS)
    Random(3).shuffle(states)
    world.connection.execute(ARM.replace("{states}", "{" + ",".join(states) + "}"))
    yield world
    world.connection.execute(DISARM)


def is_at_rest(world: World) -> bool:
    return bool(
        world.setting("latest_block_processed") == world.evm.head()
        and world.setting("coverage")["complete"]
        and world.setting("coverage")["check_also_count"] == 0
    )


@pytest.mark.slow
def test_every_fault_is_tried_again_and_named(faulty: World, tmp_path: Path) -> None:
    world = faulty
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer"})
    with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log") as worker:
        for _ in range(60):
            # Further blocks, so that there is something to store, until every fault has come.
            if all(words in worker.said for words in FAULTS.values()):
                break
            world.evm.reorg(2)
            grow(world.evm, 3)
            wait_until(lambda: world.setting("latest_block_processed") == world.evm.head(), what=lambda: worker.said)
            world.check_claims()
        wait_until(lambda: is_at_rest(world), what=lambda: worker.said)
        assert worker.terminate() == 0
    for words in FAULTS.values():
        assert words in worker.said
    assert worker.said.count("a fault of the test") == len(FAULTS)
    assert "Traceback" not in worker.said
    world.check_end()


@pytest.mark.slow
def test_cancelled_statements_are_tried_again(world: World, tmp_path: Path) -> None:
    """As an administrator, or a statement_timeout of the server's, cancels them."""
    world.import_list({A: "Transfer", B: "Transfer"})
    with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log") as worker:
        wait_until(lambda: is_at_rest(world))
        first = backends(world.connection, "hilltop")
        with connect(world.chain) as holder, holder.transaction():
            holder.execute("LOCK TABLE blocks IN EXCLUSIVE MODE")
            grow(world.evm, 2)
            wait_until(lambda: bool(waiting_backends(world.connection, "hilltop")))
            world.connection.execute(
                "SELECT pg_cancel_backend(pid) FROM unnest(%s::int[]) AS pid",
                [waiting_backends(world.connection, "hilltop")],
            )
            worker.wait_until_it_says("a statement took longer than the database allows, trying again")
        wait_until(lambda: is_at_rest(world))
        assert backends(world.connection, "hilltop") != first
        assert worker.terminate() == 0
    world.check_end()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.decode().strip()}")
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o011)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_is_waited_for_until_it_has_room(world: World, small_disk: Path, tmp_path: Path) -> None:
    with own_server() as server:
        elsewhere = Elsewhere(world, server)
        owner = choose_owner(server.data)
        assert owner is not None
        os.chown(small_disk, *owner)
        with elsewhere.look() as there:
            there.import_list({A: "Transfer", B: "Transfer"})
            sql = there.connection.execute
            sql(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
            for table in ("logs", "blocks", "unsettled"):
                # A page holds few rows, so that soon another one is needed.
                sql(f"ALTER TABLE {table} SET TABLESPACE small")
                sql(f"ALTER TABLE {table} SET (fillfactor = 10)")
        with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "log", database=elsewhere.url) as worker:
            wait_until(elsewhere.at_head, what=lambda: worker.said)
            filler = small_disk / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(65536)):
                        pass
                except OSError:
                    pass
            for _ in range(40):
                elsewhere.grow(10)
                if "the disk of the database is full, trying again" in worker.said:
                    break
            worker.wait_until_it_says("the disk of the database is full, trying again", 10)
            filler.unlink()
            wait_until(elsewhere.at_head, what=lambda: worker.said)
            assert worker.terminate() == 0
        assert "Traceback" not in worker.said
        elsewhere.check()
