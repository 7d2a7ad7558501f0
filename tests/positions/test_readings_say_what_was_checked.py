"""Every block that was read says against what; final ones in runs that an audit can read again and compare."""

from typing import Any

import pytest

from indexer.positions.digest import MODULUS, log_digest
from indexer.positions.meter import MISMATCHES, Meter
from indexer.positions.protocol.jobs import disable_jobs
from indexer.positions.protocol.ledger import Run, join_runs
from indexer.positions.protocol.segments import claim_segment, release_segment
from indexer.positions.reader import RangeReader
from indexer.positions.verdict import Finding
from indexer.rpc import Level
from tests.positions.liars import Endpoints, audit, read_by, two
from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy
from tests.positions.test_latest_waits_for_blocks import when
from tests.positions.world import A, B, C, World, grow
from tests.rpc.scripted import refusing

__all__ = ["proxy", "two"]

OFF = refusing(-32601, "the method does not exist")


def run(first: int, last: int, level: Level = Level.PROVED, endpoint: str = "a", digest: int | None = 1) -> Run:
    return Run(first, last, level, (endpoint,), 1, digest)


@pytest.mark.parametrize(
    ("runs", "joined"),
    [
        ([], []),
        ([run(1, 1), run(2, 2)], [(1, 2, 2)]),
        ([run(1, 1), run(3, 3)], [(1, 1, 1), (3, 3, 1)]),  # a gap
        ([run(1, 1), run(2, 2, Level.BLOOM)], [(1, 1, 1), (2, 2, 1)]),  # other levels
        ([run(1, 1), run(2, 2, endpoint="b")], [(1, 2, 2)]),  # who gave what is proved is not what it rests on
        ([run(1, 1, Level.CLAIMED), run(2, 2, Level.CLAIMED, "b")], [(1, 1, 1), (2, 2, 1)]),  # one's word is one's own
        ([run(1, 1, digest=None), run(2, 2)], [(1, 1, None), (2, 2, 1)]),
        ([run(1, 1, digest=MODULUS - 1), run(2, 2, digest=2)], [(1, 2, 1)]),
    ],
)
def test_neighbours_of_one_kind_are_one_run(runs: list[Run], joined: list[tuple[int, int, int | None]]) -> None:
    assert [(found.first, found.last, found.digest) for found in join_runs(runs)] == joined


def readings(world: World, of: str = "true") -> list[tuple[Any, ...]]:
    return world.connection.execute(
        "SELECT from_block, to_block, level, endpoints, log_count, digest FROM readings"
        f" WHERE {of} ORDER BY from_block, id"
    ).fetchall()


def expected(world: World, first: int, last: int, contracts: tuple[bytes, ...]) -> tuple[int, int]:
    """How many logs these contracts have there, and the sum of their digests."""
    with_digests = 0, 0
    for number in range(first, last + 1):
        header = world.node.header(number)
        assert header is not None
        for log in world.node.receipts_logs(header):
            if bytes.fromhex(log.address[2:]) in contracts:
                with_digests = with_digests[0] + 1, (with_digests[1] + log_digest(log)) % MODULUS
    return with_digests


def followed(world: World, blocks: int, **options: Any) -> None:
    latest = world.latest(**options)
    for _ in range(blocks):
        grow(world.evm, 1)
        while latest.step():
            pass


def test_the_head_is_proved_and_told_in_a_run_when_it_is_final(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    start = world.setting("final_block")
    followed(world, 10)
    final = world.setting("final_block")
    assert final == world.evm.head() - 6
    rows = readings(world, f"scan_id IS NULL AND to_block > {start}")
    assert [(row[0], row[1], row[2]) for row in rows] == [(rows[0][0], final, Level.PROVED)]
    assert (rows[0][4], rows[0][5]) == expected(world, rows[0][0], final, (A, B))
    above = world.connection.execute(
        "SELECT count(*), min(level), sum(log_count), mod(sum(digest), %s) FROM blocks WHERE number > %s",
        [MODULUS, final],
    ).fetchone()
    assert above == (6, Level.PROVED, *expected(world, final + 1, final + 6, (A, B)))


def test_ranges_of_the_past_are_claimed_and_their_digests_are_those_of_their_logs(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    rows = readings(world, "scan_id IS NOT NULL")
    assert {row[2] for row in rows} == {Level.CLAIMED}
    assert {tuple(row[3]) for row in rows} == {("local-1",)}
    assert (rows[0][0], rows[-1][1]) == (world.floor, world.setting("final_block"))
    for first, last, _, _, count, digest in rows:
        assert (count, digest) == expected(world, first, last, (A, B))
    segments = world.connection.execute("SELECT DISTINCT level FROM segments").fetchall()
    assert segments == [(Level.CLAIMED,)]
    totals = world.connection.execute("SELECT sum(log_count), mod(sum(digest), %s) FROM segments", [MODULUS]).fetchone()
    assert totals == expected(world, world.floor, rows[-1][1], (A, B))
    assert set(world.setting("levels")) == {"claimed", "proved"}


def test_the_past_is_proved_where_that_is_asked_for(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    with world.historic(goal=Level.PROVED) as loop:
        while loop.step():
            pass
    world.check_truth()
    assert {row[2] for row in readings(world)} == {Level.PROVED}
    assert set(world.setting("levels")) == {"proved"}


def test_a_take_up_at_a_weaker_level_weakens_the_blocks_it_reads(world: World, proxy: Proxy) -> None:
    fill(world)
    world.import_list({A: "Transfer"})
    world.settle()
    followed(world, 8)
    proxy.rules += [when(lambda call: call["method"] == "eth_getBlockReceipts", OFF)]
    honest, world.node = world.node, proxy.node()
    world.import_list({C: "Transfer"})
    latest = world.latest(goal=Level.CLAIMED)
    while latest.step():
        pass
    world.node = honest
    final = world.setting("final_block")
    rows = world.connection.execute(
        "SELECT level, count(*), sum(log_count), mod(sum(digest), %s) FROM blocks WHERE number > %s GROUP BY 1",
        [MODULUS, final],
    ).fetchall()
    assert rows == [(Level.CLAIMED, 6, *expected(world, final + 1, final + 6, (A, C)))]
    assert "claimed" in world.setting("levels")


def test_a_deep_reorg_leaves_no_reading_of_what_it_took_back(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    followed(world, 10)
    before = world.setting("final_block")
    world.evm.reorg(12)
    grow(world.evm, 2)
    latest = world.latest()
    while latest.step():
        pass
    final = world.setting("final_block")
    assert final < before + 6
    ancestor = world.setting("rewind")["ancestor"]
    assert ancestor < before
    for _, last, *_, count, digest in readings(world):
        assert last <= final
        if digest is None:
            assert (last, count) == (ancestor, None)
    world.settle()
    world.check_truth()


def test_readings_of_scans_that_a_job_has_left_are_marked(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    with world.historic() as loop:
        loop.claim_more()
        disable_jobs(world.connection, [world.jobs()[B, 2]])
    assert world.connection.execute('SELECT "left" FROM scans').fetchall() == [(True,)]
    assert world.setting("left_version") == world.setting("watch_version")


def test_a_range_that_only_some_jobs_need_has_no_digest(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    world.connection.execute(
        "UPDATE scan_jobs SET need = need * int8multirange(int8range(%s, NULL))", [world.floor + 10]
    )
    world.run_historic()
    # What it did not need of the first scan is read by another.
    assert {row[5] for row in readings(world, "scan_id = (SELECT min(id) FROM scans)")} == {None}


def test_a_reader_without_jobs_asks_nothing(world: World) -> None:
    reading = RangeReader([], Level.PROVED).read(world.pool, 5, 10)
    assert (reading.first, reading.last, reading.provenance.level, reading.requests) == (5, 10, Level.PROVED, 0)


def test_segments_that_different_jobs_need_are_different_readings(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    border = world.floor + 10
    world.connection.execute(
        "WITH cut AS (UPDATE segments SET to_block = %(border)s - 1 RETURNING scan_id),"
        " less AS (UPDATE scan_jobs SET need = need * int8multirange(int8range(%(border)s, NULL))"
        " WHERE job_id = %(job)s)"
        " INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
        " SELECT scan_id, %(border)s, %(final)s, %(border)s, 0, 0 FROM cut",
        {"border": border, "final": world.setting("final_block"), "job": world.jobs()[B, 2]},
    )
    read_by(world, two.pool(1))
    first, second = readings(world, "scan_id = (SELECT min(id) FROM scans)")
    assert first[:2] + first[4:] == (world.floor, border - 1, *expected(world, world.floor, border - 1, (A,)))
    assert second[:2] + second[4:] == (border, second[1], *expected(world, border, second[1], (A, B)))
    meter = Meter()
    assert {verdict.finding for verdict in audit(world, two.pool(blamed=meter.note_mismatch))} == {Finding.AGREES}
    assert not meter.counts()[MISMATCHES]


def test_what_a_worker_of_an_earlier_release_reads_meanwhile_is_one_endpoints_word(world: World) -> None:
    fill(world)
    world.import_list({A: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    claim = claim_segment(world.connection, "one")
    assert claim is not None
    # It knows neither levels nor readings.
    world.connection.execute("UPDATE segments SET cursor = cursor + 4")
    world.connection.execute(
        "UPDATE blocks SET level = NULL, endpoints = NULL, log_count = NULL, digest = NULL, watch_version = NULL"
    )
    release_segment(world.connection, "one", claim.segment)
    with world.historic(goal=Level.PROVED) as loop:
        while loop.step():
            pass
    world.import_list({C: "Transfer"})
    while latest.step():
        pass
    final = world.setting("final_block")
    above = world.connection.execute("SELECT DISTINCT level FROM blocks WHERE number > %s", [final]).fetchall()
    assert above == [(Level.CLAIMED,)]
    world.connection.execute("UPDATE blocks SET level = %s", [Level.PROVED])
    disable_jobs(world.connection, [world.jobs()[C, 2]])
    assert {row[2] for row in readings(world)} == {Level.PROVED}
    assert set(world.setting("levels")) == {"claimed", "proved"}
