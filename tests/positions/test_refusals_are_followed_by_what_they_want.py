"""Sections 5.1 and 5.2 at the loops: each refusal makes less of what it is about, and of nothing else."""

from typing import Any

import pytest

from indexer.rpc import Forbidden, Level, QuotaSpent, Throttled
from tests.positions.lies import in_turn
from tests.positions.pool_fixtures import pool
from tests.positions.proxy import Proxy, Rule, for_ranges
from tests.positions.trio import LONG, Trio, trio
from tests.positions.world import A, B, World
from tests.rpc.pathologies import PAGES, RATES
from tests.rpc.scripted import Answer, giving, refusing, sending

__all__ = ["trio"]

__all__ = ["pool"]

LOGS = "eth_getLogs"
ADDRESSES = {
    "This query contains 3 filters. The current limit is 2.": 2,
    "specify less number of address": 1,
    "exceed max addresses or topics per search position": 1,
}
"""What is learned where three are asked for and two are borne: what the text names, or half."""


def ranges(trio: Trio) -> list[tuple[int, int, list[str] | None]]:
    return [asked for proxy in trio.proxies for asked in proxy.ranges()]


def segments(trio: Trio) -> list[tuple[int, int]]:
    return trio.connection.execute("SELECT from_block, to_block FROM segments ORDER BY 1").fetchall()


@pytest.mark.parametrize("text", ADDRESSES)
def test_too_many_addresses_are_asked_for_in_parts_over_the_same_blocks(trio: Trio, text: str) -> None:
    trio.lie(3, for_ranges(lambda _, __, addresses: len(addresses or ()) > 2, refusing(-32000, text)))
    trio.read_past(1)
    assert trio.is_true()
    assert len({(first, last) for first, last, _ in ranges(trio)}) == 1
    learned = {label: limits.addresses for label, limits in trio.pool.limits().items() if limits.addresses}
    assert list(learned.values()) == [ADDRESSES[text]]
    proxy = trio.proxies[trio.labels.index(next(iter(learned)))]
    proxy.forget()
    trio.begin()
    trio.watch()
    trio.follow(12)
    trio.read_past(1)
    assert trio.is_true()
    assert all(len(addresses or ()) <= ADDRESSES[text] for _, _, addresses in proxy.ranges())


@pytest.mark.parametrize("liars", [1, 2, 3], ids=lambda liars: f"{liars}-of-3")
def test_no_rate_or_quota_makes_a_range_smaller(trio: Trio, liars: int) -> None:
    before = segments(trio)
    trio.lie(liars, *in_turn([LOGS], answers(Throttled))(trio))
    with trio.historic() as loop:
        for _ in range(8):
            trio.connection.execute("UPDATE segments SET next_attempt = NULL")
            while loop.step():
                pass
            trio.clock.now += 30
        assert segments(trio) == before or liars < 3
        assert trio.put_aside().keys() <= {"Throttled", "QuotaSpent"}
        assert trio.asked < 200
        trio.heal()
        trio.connection.execute("UPDATE segments SET next_attempt = NULL")
        while loop.step():
            pass
    assert trio.is_true()
    assert len({(first, last) for first, last, _ in ranges(trio)}) == 1


@pytest.mark.parametrize("kind", [Forbidden, QuotaSpent], ids=lambda kind: kind.__name__)
def test_who_lets_nobody_in_is_left_alone_and_nothing_is_split(trio: Trio, kind: type[Throttled | Forbidden]) -> None:
    before = segments(trio)
    trio.lie(3, *in_turn([LOGS], answers(kind))(trio))
    trio.read_past(6)
    assert segments(trio) == before
    assert trio.put_aside().keys() == {kind.__name__}
    assert 3 <= len(ranges(trio)) <= 4, "each is asked once, and again who names a time"
    trio.proxies[2].rules.clear()
    trio.clock.now += LONG
    trio.read_past(2)
    assert trio.is_true()


def answers(kind: type[Throttled | Forbidden]) -> list[Answer]:
    """Every text and page of this class, in an envelope that it is known in."""
    texts = [refusing(case.code or -32000, case.message, case.data) for case in RATES if issubclass(case.kind, kind)]
    pages = [page for page in PAGES if issubclass(page.kind, kind)]
    return texts + [
        sending(page.body.encode(), page.status, 0, **{name.replace("-", "_"): value for name, value in page.headers})
        for page in pages
    ]


SUGGESTIONS = {
    "equal": (0, 0),
    "inverted": (9, -9),
    "beyond the end": (0, 500),
    "before the start": (-500, 0),
    "of one block": (0, -20),
    "elsewhere": (1000, 1003),
}


@pytest.mark.parametrize("shift", SUGGESTIONS.values(), ids=SUGGESTIONS)
def test_a_suggested_range_is_followed_only_where_it_is_less(trio: Trio, shift: tuple[int, int]) -> None:
    def suggesting(call: dict[str, Any]) -> Answer | None:
        asked = call["params"][0] if call["method"] == LOGS else {}
        if "fromBlock" not in asked:
            return None
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        low, high = max(0, first + shift[0]), max(0, last + shift[1])
        text = f"query returned more than 10000 results. Try with this block range [{hex(low)}, {hex(high)}]."
        return refusing(-32005, text) if last - first >= 4 else None

    trio.lie(3, suggesting)
    trio.read_past(3)
    assert trio.is_true()
    assert len(ranges(trio)) < 60


def above_the_cap(trio: Trio, cap: int) -> Rule:
    """More logs than the cap are refused, however few blocks and addresses are asked for."""

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] != LOGS or len(trio.evm.ask(LOGS, *call["params"])) <= cap:
            return None
        return refusing(-32000, f"query returned more than {cap} results")

    return rule


@pytest.mark.parametrize("cap", [6, 2], ids=["split-by-address", "read-from-receipts"])
@pytest.mark.parametrize("liars", [1, 2, 3], ids=lambda liars: f"{liars}-of-3")
def test_a_block_above_the_cap_is_split_and_then_read_from_its_receipts(
    world: World, pool: bytes, cap: int, liars: int
) -> None:
    for user in range(1, 6):
        for contract in (A, B, pool):
            world.evm.emit(contract, bytes([user]) * 20)
    world.evm.mine()
    world.evm.mine(7)
    proxies = [Proxy(world.evm.url) for _ in range(3)]
    trio = Trio(world, proxies)
    trio.watch(A, B, pool)
    trio.follow(12)
    for proxy in proxies:
        proxy.forget()
    trio.lie(liars, above_the_cap(trio, cap))
    trio.read_past(3)
    assert trio.is_true()
    assert bool(sum(len(proxy.asked("eth_getBlockReceipts")) for proxy in proxies)) == (cap == 2)
    assert trio.asked < 300
    for proxy in proxies:
        proxy.stop()


@pytest.mark.parametrize("liars", [1, 2, 3], ids=lambda liars: f"{liars}-of-3")
def test_a_block_refused_in_words_nobody_knows_is_found_and_asked_of_others(trio: Trio, liars: int) -> None:
    cursed = trio.floor + 9
    trio.lie(liars, for_ranges(lambda first, last, _: first <= cursed <= last, refusing(-32000, "block 17 is cursed")))
    trio.read_past(12)
    if liars < 3:
        assert trio.is_true()
        return
    left = trio.connection.execute("SELECT cursor, to_block, error FROM segments WHERE cursor <= to_block").fetchall()
    assert [(first, last) for first, last, _ in left] == [(cursed, cursed)]
    assert "block 17 is cursed" in left[0][2]
    assert {state.quarantined for state in trio.pool.states()} == {1}
    before = len(ranges(trio))
    trio.read_past(20)
    # Twice as long from one time to the next: not at every look.
    assert len(ranges(trio)) - before <= 3 * 2 * 6
    trio.recover()
    assert trio.is_true()


@pytest.mark.parametrize("liars", [1, 2, 3], ids=lambda liars: f"{liars}-of-3")
def test_answers_cut_at_a_round_number_are_looked_over(world: World, pool: bytes, liars: int) -> None:
    """Section 5.3, row 12: in ranges, in one block of the past, and in one at the head read by its bloom."""

    def burst() -> None:
        for user in range(1, 131):
            world.evm.emit(pool, bytes([user]) * 20)
        world.evm.mine()

    def cut(call: dict[str, Any]) -> Answer | None:
        found = world.evm.ask(LOGS, *call["params"]) if call["method"] == LOGS else []
        return giving(found[:100]) if len(found) > 100 else None

    burst()
    world.evm.mine(7)
    proxies = [Proxy(world.evm.url) for _ in range(3)]
    trio = Trio(world, proxies)
    trio.watch(pool)
    trio.lie(liars, cut)
    trio.follow(12, Level.BLOOM)
    trio.read_past(6)
    assert trio.is_true()
    burst()
    trio.clock.now += 10
    trio.follow(12, Level.BLOOM)
    assert trio.cursor == trio.evm.head()
    trio.check_claims()
    assert trio.mismatches().keys() <= trio.liars
    assert trio.mismatches() or liars < 3
    for proxy in proxies:
        proxy.stop()
