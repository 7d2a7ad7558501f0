"""`rescan` reads the past of a job again: what is missing comes back, what is too late becomes earlier."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from indexer.chains.models import Chain
from tests.positions.pool_fixtures import fill
from tests.positions.world import A, B, World, grow


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("rescan", "hilltop", *map(str, arguments), stdout=out)
    return out.getvalue().strip()


def rest(world: World) -> int:
    """Two jobs whose past is read; the job of A."""
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    world.check_truth()
    return world.jobs()[A, 2]


def test_a_deleted_row_comes_back_and_a_late_one_becomes_earlier(world: World) -> None:
    job = rest(world)
    final = world.setting("final_block")
    gone = "DELETE FROM logs WHERE job_id = %s AND first_block <= %s AND address < %s"
    late = "UPDATE logs SET first_block = first_block + 1 WHERE job_id = %s AND first_block <= %s"
    assert world.connection.execute(gone, [job, final, b"\x04" * 20]).rowcount > 0
    assert world.connection.execute(late, [job, final]).rowcount > 0
    assert run("--job", job) == "hilltop: 1 jobs will be read again from block 0"
    world.settle()
    world.check_truth()


def test_until_it_is_read_again_lookups_name_the_contract(world: World) -> None:
    job = rest(world)
    run("--job", job)
    assert world.setting("coverage") == {"complete": False, "check_also": [A.hex()], "check_also_count": 1}
    world.settle()
    assert world.setting("coverage")["complete"]


def test_only_what_was_asked_for_is_read_again(world: World) -> None:
    job, other = rest(world), world.jobs()[B, 2]
    start = world.setting("final_block") - 3
    run("--job", job, "--from", start)
    world.latest().step()  # takes the job up again
    rows = world.connection.execute(
        "SELECT job_id, need FROM scan_jobs JOIN scans ON scans.id = scan_id WHERE finished_at IS NULL"
    ).fetchall()
    assert [(job_id, [(part.lower, part.upper) for part in need]) for job_id, need in rows] == [
        (job, [(start, start + 4)])
    ]
    assert world.connection.execute("SELECT complete FROM jobs WHERE id = %s", [other]).fetchone() == (True,)


def test_several_jobs_may_be_named(world: World) -> None:
    jobs = [rest(world), world.jobs()[B, 2]]
    world.connection.execute("DELETE FROM logs WHERE first_block <= %s", [world.setting("final_block")])
    assert run("--job", jobs[0], "--job", jobs[1], "--from", world.floor).startswith("hilltop: 2 jobs ")
    world.settle()
    world.check_truth()


def test_the_head_goes_on_meanwhile(world: World) -> None:
    job = rest(world)
    run("--job", job)
    grow(world.evm, 2)
    latest = world.latest()
    while latest.step():
        pass
    assert world.setting("latest_block_processed") == world.evm.head()
    world.check_claims()
    world.settle()
    world.check_truth()


def test_a_rescan_in_the_middle_of_a_scan_reads_everything_once_more(world: World) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    world.connection.execute("UPDATE segments SET cursor = cursor + 10")  # as if read, and nothing found
    run("--job", world.jobs()[A, 2], "--job", world.jobs()[B, 2])
    world.settle()
    world.check_truth()


def test_an_unknown_job_is_named_and_nothing_changes(world: World) -> None:
    job = rest(world)
    with pytest.raises(CommandError, match=f"hilltop has no job {job + 900}: see manage.py list_watches"):
        run("--job", job, "--job", job + 900)
    assert world.setting("coverage")["complete"]


def test_a_negative_block_and_an_unknown_chain_are_refused(chain: Chain) -> None:
    with pytest.raises(CommandError, match="--from is a block number"):
        run("--job", 1, "--from", -1)
    with pytest.raises(CommandError, match="there is no chain 'attic'"):
        call_command("rescan", "attic", "--job", "1")
