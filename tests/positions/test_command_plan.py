"""`plan` says what the pending past will take, from a few small requests, and writes nothing."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.evm import TRANSFER
from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy, for_ranges
from tests.positions.world import A, B, C, World
from tests.rpc.scripted import refusing

__all__ = ["proxy"]

OTHER = "0x" + "11" * 32


def plan(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("plan", "hilltop", "--json", *options, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def follow(world: World) -> None:
    """Run the latest loop to the head; the past stays pending."""
    latest = world.latest()
    while latest.step():
        pass


def everything(world: World) -> dict[str, Any]:
    tables = ("jobs", "scans", "scan_jobs", "segments", "settings", "logs", "blocks", "unsettled")
    return {table: world.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def test_the_past_of_live_jobs_is_counted_once(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    follow(world)
    said = plan()
    assert (said["jobs"], said["blocks"]) == (2, world.setting("final_block") - world.floor + 1)
    assert said["parts"][0]["first"] == world.floor
    assert said["parts"][-1]["last"] == world.setting("final_block")
    assert sum(part["blocks"] for part in said["parts"]) == said["blocks"]
    assert {part["way"] for part in said["parts"]} == {"by address"}
    assert said["requests"] == sum(part["requests"] for part in said["parts"]) > 0
    assert said["bytes"] > 0
    assert said["hours"] > 0


def test_jobs_not_taken_up_yet_count_up_to_the_nodes_final_block(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer"})
    # The profile of hilltop: final is 12 blocks below the head.
    assert plan()["blocks"] == world.evm.head() - 12 - world.floor + 1


def test_what_a_scan_has_read_is_not_counted_again(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer"})
    follow(world)
    before = plan()["blocks"]
    world.connection.execute("UPDATE segments SET cursor = cursor + 10")
    assert plan()["blocks"] == before - 10


def test_disabled_and_finished_jobs_need_nothing(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    assert plan()["jobs"] == 0
    world.connection.execute("UPDATE jobs SET covered = '{}', enabled = false")
    proxy.forget()
    out = StringIO()
    call_command("plan", "hilltop", stdout=out)
    assert out.getvalue() == "hilltop: nothing is pending, every job's past is read\n"
    assert proxy.asked("eth_getLogs") == []


def test_a_job_put_aside_counts_too(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    world.connection.execute("UPDATE jobs SET covered = '{}', next_attempt = now() + interval '1 hour'")
    assert plan()["jobs"] == 1


def test_nothing_is_written(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    follow(world)
    before = everything(world)
    plan()
    assert everything(world) == before


def test_it_works_while_a_worker_holds_the_chain(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer"})
    follow(world)
    with world.connection.transaction():
        world.connection.execute("SELECT 1 FROM settings, jobs FOR UPDATE")
        assert plan()["jobs"] == 1


def test_a_handful_of_requests_is_made_both_ways(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer", C: {"topic0": OTHER, "user_topic": 1}})
    follow(world)
    proxy.forget()
    said = plan()
    asked = proxy.ranges()
    assert said["sampled_requests"] == len(asked) <= 40
    assert {addresses is None for _, _, addresses in asked} == {True, False}
    # The two questions of `by address` took two requests; one by topic does the same.
    assert {part["way"] for part in said["parts"]} == {"by topic"}


def test_the_bytes_are_those_that_the_logs_then_take(world: World, proxy: Proxy) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    follow(world)
    said = plan()
    endpoint, final = world.node.endpoint, world.setting("final_block")
    before = endpoint.bytes_in
    logs = world.node.range_logs(world.floor, final, ["0x" + A.hex(), "0x" + B.hex()], [TRANSFER])
    assert len(logs) > 20
    taken = endpoint.bytes_in - before
    assert taken * 0.6 < said["bytes"] < taken * 1.6


def test_more_in_flight_take_less_time(world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    world.import_list({A: "Transfer"})
    follow(world)
    ticks = iter(range(10_000))
    monkeypatch.setattr("indexer.positions.sampler.monotonic", lambda: next(ticks))
    one, four = plan("--in-flight", "1"), plan("--in-flight", "4")
    # Every request takes a second on this clock.
    assert one["hours"] == pytest.approx(one["requests"] / 3600)
    assert four["hours"] == pytest.approx(one["hours"] / 4)
    with pytest.raises(CommandError, match="at least 1"):
        plan("--in-flight", "0")


def test_a_node_that_limits_ranges_makes_it_dearer(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer"})
    follow(world)
    blocks = plan()["blocks"]
    proxy.rules.append(for_ranges(lambda first, last, _: last - first + 1 > 2, refusing(-32000, "max range: 2")))
    said = plan()
    assert {part["range_blocks"] for part in said["parts"]} == {2}
    assert blocks / 2 <= said["requests"] <= blocks / 2 + len(said["parts"])
    assert any("by address of at most 2 blocks" in assumption for assumption in said["assumptions"])


def test_a_way_the_node_refuses_is_left_out_with_its_words(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer", C: {"topic0": OTHER, "user_topic": 1}})
    follow(world)
    proxy.rules.append(
        for_ranges(lambda *asked: asked[2] is None, refusing(-32000, "please specify an address in your request"))
    )
    said = plan()
    assert {part["way"] for part in said["parts"]} == {"by address"}
    assert any("please specify an address" in assumption for assumption in said["assumptions"])


def test_a_node_that_answers_no_way_is_an_error_with_its_words(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer"})
    follow(world)
    proxy.rules.append(for_ranges(lambda *asked: True, refusing(-32000, "not today")))
    with pytest.raises(CommandError, match=r"blocks .* could not be sampled: .*not today"):
        plan()


def test_the_table_says_it_to_people(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    follow(world)
    out = StringIO()
    call_command("plan", "hilltop", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("hilltop: 2 jobs need ")
    assert lines[0].endswith("4 requests in flight")
    assert lines[1].split() == ["from-to", "blocks", "jobs", "way", "requests", "bytes", "hours"]
    assert any(line.strip().startswith("in all") for line in lines)
    assert lines[-1].startswith("assumed: ")
