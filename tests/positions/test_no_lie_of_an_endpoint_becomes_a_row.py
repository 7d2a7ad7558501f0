"""Every row of section 5.3 of rpc-pathologies.md, told to both loops by one, two or three of three endpoints."""

from collections.abc import Iterator

import pytest

from indexer.rpc import Level
from tests.positions.lies import LIES, WRONG, Lie, orphan_as_canonical
from tests.positions.pool_fixtures import fill
from tests.positions.proxy import for_ranges
from tests.positions.trio import LONG, Trio, three_proxies
from tests.positions.world import World
from tests.rpc.scripted import refusing

LIARS = [
    pytest.param(1, id="1-of-3"),
    pytest.param(2, id="2-of-3", marks=pytest.mark.slow),
    pytest.param(3, id="3-of-3", marks=pytest.mark.slow),
]
MOST_REQUESTS = 500
"""For some twenty blocks, twelve steps at the head and three rounds in the past, each endpoint trying."""


@pytest.fixture
def trio(world: World) -> Iterator[Trio]:
    fill(world)
    world.floor = world.evm.head() - 18
    with three_proxies(world) as proxies:
        yield Trio(world, proxies)


@pytest.mark.parametrize("liars", LIARS)
@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_no_lie_becomes_a_row(trio: Trio, lie: Lie, liars: int) -> None:
    trio.watch()
    trio.lie(liars, *lie.rules(trio))
    trio.follow(12, lie.head)
    trio.read_past(3, lie.ranges if liars > 1 else min(lie.ranges, Level.AGREED))
    assert trio.is_true() or liars > lie.borne, [str(error) for error in trio.errors]
    assert trio.asked < MOST_REQUESTS
    assert trio.mismatches().keys() <= trio.liars
    if lie.blamed:
        blamed = trio.mismatches() if lie.blamed is WRONG else trio.failures(*lie.blamed)
        assert blamed.keys() & trio.liars, blamed
    for proxy in trio.proxies:
        # Row 13: nulls at the end change the answer of some nodes.
        assert all(len(asked["topics"]) == 1 for (asked,) in proxy.asked("eth_getLogs"))
    trio.recover()
    assert trio.is_true()
    assert trio.setting("rewind")["count"] == 0


@pytest.mark.parametrize("liars", LIARS)
def test_orphans_given_as_canonical_stay_no_longer_than_they_are_believed(trio: Trio, liars: int) -> None:
    """Row 17: most endpoints and the parent links say which branch is the chain's."""
    trio.watch()
    trio.recover()
    assert trio.is_true()
    trio.lie(liars, *orphan_as_canonical(trio))
    trio.clock.now += LONG
    trio.follow(20)
    assert trio.is_true() == (liars == 1)
    assert trio.asked < MOST_REQUESTS
    trio.recover()
    assert trio.is_true()
    assert trio.setting("rewind")["count"] == 1


def test_pruned_by_everybody_is_said_and_waits_for_an_archive(trio: Trio) -> None:
    """Row 6: what is not pruned is read meanwhile."""
    pruned = range(trio.floor, trio.floor + 10)
    trio.watch()
    trio.follow(12)
    trio.lie(
        3,
        for_ranges(lambda first, last, _: first in pruned, refusing(4444, "pruned history unavailable")),
    )
    trio.read_past(12)
    left = trio.connection.execute("SELECT cursor, to_block, error FROM segments WHERE cursor <= to_block").fetchall()
    assert {block for first, last, _ in left for block in range(first, last + 1)} == set(pruned)
    assert all("pruned history unavailable" in error for _, _, error in left)
    assert trio.put_aside().keys() == {"Pruned"}
    assert trio.setting("coverage")["check_also_count"] == 3
    assert trio.asked < MOST_REQUESTS
    trio.proxies[1].rules.clear()
    trio.clock.now += LONG
    trio.read_past(12)
    assert trio.is_true()
