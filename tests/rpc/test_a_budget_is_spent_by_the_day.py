"""Requests of a day: the head may use them all, the others stop earlier, and midnight UTC brings more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc import Budget, BudgetSpent, Node, Purpose, Throttled
from indexer.rpc.budget import DAY, SHARES

from .pools import Clock, StartReplica, pool_of

NOON = 20_000.5 * DAY


def head_of(node: Node) -> None:
    node.header("latest")


class Wall:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def spend(budget: Budget, purpose: Purpose) -> int:
    """How many requests it still gives."""
    count = 0
    while True:
        try:
            budget.take(purpose)
        except BudgetSpent:
            return count
        count += 1


def test_each_purpose_stops_at_its_share() -> None:
    budget = Budget(100, wall=Wall(NOON))
    assert [spend(budget, purpose) for purpose in ("audit", "historic", "head")] == [50, 40, 10]


def test_it_says_when_there_is_more() -> None:
    wall = Wall(NOON)
    budget = Budget(10, wall=wall)
    spend(budget, "head")
    with pytest.raises(Throttled, match="10 of 10 requests of this day are used, of which head may use 100%") as caught:
        budget.take("head")
    assert caught.value.retry_after == DAY / 2
    wall.now += DAY / 2
    assert spend(budget, "head") == 10


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    wall = Wall(NOON)
    budget = Budget(10, wall=wall)
    spend(budget, "head")
    wall.now -= 3 * DAY
    assert spend(budget, "head") == 0


def test_a_batch_that_is_too_much_is_not_counted() -> None:
    budget = Budget(10, wall=Wall(NOON), used=4)
    with pytest.raises(BudgetSpent):
        budget.take("head", 7)
    assert budget.used == 4


def test_no_limit_is_none() -> None:
    budget = Budget(None)
    budget.take("audit", 10**9)
    assert budget.used == 10**9
    with pytest.raises(ValueError, match="0 requests a day are no budget"):
        Budget(0)


@settings(deadline=None)
@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.sampled_from(["head", "historic", "audit"]), st.integers(1, 9), st.floats(0, DAY / 3))),
)
def test_no_day_costs_more_than_its_budget(per_day: int, takes: list[tuple[Purpose, int, float]]) -> None:
    wall = Wall(NOON)
    budget = Budget(per_day, wall=wall)
    used: dict[int, int] = {}
    for purpose, requests, later in takes:
        wall.now += later
        try:
            budget.take(purpose, requests)
        except BudgetSpent as error:
            more = error.retry_after or 0.0
        else:
            more = DAY
            day = int(wall.now // DAY)
            used[day] = used.get(day, 0) + requests
            assert used[day] <= per_day * SHARES[purpose]
        assert 0 < more <= DAY


def test_a_view_of_the_pool_spends_for_its_purpose(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    pool = pool_of(only, clock=clock, budget=Budget(10, wall=clock.wall))
    audits = pool.for_purpose("audit")
    for _ in range(5):
        audits.ask(head_of)
    with pytest.raises(BudgetSpent, match="of which audit may use 50%") as caught:
        audits.ask(head_of)
    assert caught.value.endpoint == "local-1"
    assert clock.waits == []
    for _ in range(5):
        pool.ask(head_of)
    with pytest.raises(BudgetSpent):
        pool.newest()
    assert len(only.asked) == 10
    assert audits.limits() == pool.limits()


def test_a_view_knows_what_the_pool_knows(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(100), replica(100), clock=clock)
    historic = pool.for_purpose("historic")
    pool.newest()
    assert [member.head for member in historic.members] == [100, 100]
    pool.blame("local-1", "a log is missing")
    assert historic.states()[0].wrong == {"a log is missing": 1}
