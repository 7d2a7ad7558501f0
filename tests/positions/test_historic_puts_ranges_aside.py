"""A range that a node will not answer is put aside and grows smaller; the rest of the past is read at once."""

from random import Random
from typing import Any

import pytest

from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy, Rule, for_ranges
from tests.positions.world import A, B, World
from tests.rpc.scripted import Answer, refusing, sending

__all__ = ["proxy"]

Segment = tuple[int, int, int, int, str | None]


@pytest.fixture
def pending(world: World, proxy: Proxy) -> World:
    """A and B are live, their past is waiting, and the historic loop asks the proxy."""
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    world.node = proxy.node()
    return world


def refuse_block(block: int) -> Rule:
    return for_ranges(lambda first, last, _: first <= block <= last, refusing(-32000, "block 17 is cursed"))


def segments(world: World) -> list[Segment]:
    """from, to, cursor, attempts, error."""
    return world.connection.execute(
        "SELECT from_block, to_block, cursor, attempts, error FROM segments ORDER BY from_block"
    ).fetchall()


def run_without_delays(world: World, rounds: int = 30) -> None:
    for _ in range(rounds):
        world.connection.execute("UPDATE segments SET next_attempt = NULL")
        world.run_historic()
        if not world.connection.execute("SELECT 1 FROM segments WHERE cursor <= to_block").fetchone():
            return


def test_the_failing_range_waits_with_its_error_and_the_rest_is_free(pending: World, proxy: Proxy) -> None:
    final = pending.setting("final_block")
    block = pending.floor + 2
    pending.connection.execute("UPDATE segments SET to_block = %s", [block + 1])
    pending.connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
        " SELECT scan_id, to_block + 1, %s, to_block + 1, 0, 0 FROM segments",
        [final],
    )
    proxy.rules.append(refuse_block(block))
    pending.run_historic()
    failing, rest = segments(pending)
    assert failing[:4] == (pending.floor, block + 1, pending.floor, 1)
    assert "block 17 is cursed" in (failing[4] or "")
    assert rest == (block + 2, final, final + 1, 0, None)
    row = pending.connection.execute(
        "SELECT owner, next_attempt > now(), next_attempt <= now() + interval '1 second' FROM segments"
        " WHERE attempts > 0"
    ).fetchone()
    assert row == (None, True, True)
    pending.check_claims()


def test_it_is_halved_until_only_the_failing_block_is_left(pending: World, proxy: Proxy) -> None:
    block = pending.floor + 7
    proxy.rules.append(refuse_block(block))
    run_without_delays(pending)
    left = [(first, last, cursor) for first, last, cursor, *_ in segments(pending) if cursor <= last]
    assert [(last, cursor) for _, last, cursor in left] == [(block, block)]
    past = pending.setting("final_block") - pending.floor + 1
    assert sum(last - first + 1 for first, last, *_ in segments(pending)) == past
    assert pending.setting("coverage")["check_also"] == [A.hex(), B.hex()]
    pending.check_claims()
    proxy.rules.clear()
    run_without_delays(pending)
    pending.settle()
    pending.check_truth()


def test_its_delay_grows_and_a_success_ends_it(pending: World, proxy: Proxy) -> None:
    proxy.rules.append(for_ranges(lambda *asked: True, refusing(-32000, "not today")))
    seen = []
    for _ in range(4):
        pending.connection.execute("UPDATE segments SET next_attempt = NULL WHERE attempts > 0")
        pending.run_historic()
        row = pending.connection.execute(
            "SELECT max(ceil(extract(epoch FROM next_attempt - now()))::int) FROM segments WHERE attempts > 0"
        ).fetchone()
        assert row is not None
        seen.append(row[0])
    assert seen == [1, 2, 4, 8]
    proxy.rules.clear()
    run_without_delays(pending)
    assert {(attempts, error) for *_, attempts, error in segments(pending)} == {(0, None)}
    pending.settle()
    pending.check_truth()


def test_connections_that_drop_now_and_then_lose_nothing(pending: World, proxy: Proxy) -> None:
    random, dropped = Random(5), 0

    def drop(call: dict[str, Any]) -> Answer | None:
        nonlocal dropped
        if random.random() < 0.6:
            return None
        dropped += 1
        return sending(b'{"jsonrpc"', cut=50)

    proxy.rules.append(drop)
    run_without_delays(pending)
    assert dropped > 2
    proxy.rules.clear()
    pending.settle()
    pending.check_truth()


def test_an_endpoint_in_trouble_splits_nothing(pending: World, proxy: Proxy) -> None:
    before = [(first, last) for first, last, *_ in segments(pending)]
    proxy.rules.append(for_ranges(lambda *asked: True, sending(b"gone", 503)))
    pending.run_historic()
    assert [(first, last) for first, last, *_ in segments(pending)] == before
    assert "HTTP 503" in (segments(pending)[0][4] or "") or "gone" in (segments(pending)[0][4] or "")
    proxy.rules.clear()
    run_without_delays(pending)
    pending.settle()
    pending.check_truth()
