"""The rows of a changed job go, all of them, and only they."""

from tests.evm import TRANSFER
from tests.positions.pool_fixtures import pool
from tests.positions.world import B, World

__all__ = ["pool"]

TABLES = ("logs", "log_metadata", "unsettled", "unreadable_logs", "scan_jobs", "job_labels")


def rows_of(world: World, job: int) -> dict[str, int]:
    found = {}
    for table in TABLES:
        row = world.connection.execute(f"SELECT count(*) FROM {table} WHERE job_id = %s", [job]).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def test_a_changed_job_leaves_no_row_behind(world: World, pool: bytes) -> None:
    world.evm.send(pool, bytes.fromhex(TRANSFER[2:]) + bytes(32) + b"\xff" * 32)
    world.evm.emit(pool, b"\x55" * 20, other=b"\x56" * 20)
    world.evm.mine()
    world.import_list({pool: "Transfer", B: "Transfer"})
    world.settle()
    old, other = world.jobs()[pool, 2], world.jobs()[B, 2]
    before, kept = rows_of(world, old), rows_of(world, other)
    assert all(before[table] for table in ("logs", "unsettled", "unreadable_logs", "scan_jobs", "job_labels"))

    world.import_list({pool: {"topic0": TRANSFER, "user_topic": 1}})
    row = world.connection.execute("SELECT retired, enabled FROM jobs WHERE id = %s", [old]).fetchone()
    assert row == (True, False)
    latest = world.latest()
    while latest.step():
        pass
    assert rows_of(world, old) == dict.fromkeys(TABLES, 0)
    assert world.connection.execute("SELECT 1 FROM jobs WHERE id = %s", [old]).fetchone() is None
    assert rows_of(world, other) == kept
    world.settle()
    assert world.rows()[b"\x56" * 20, world.jobs()[pool, 1]] > 0


def test_a_retired_job_is_purged_before_the_chain_has_ever_been_read(world: World, pool: bytes) -> None:
    world.import_list({pool: "Transfer"})
    world.import_list({pool: {"topic0": TRANSFER, "user_topic": 1}})
    world.settle()
    world.check_truth()
