"""Stopped at any point and begun again, a sync leaves the tables as if nobody had stopped it, and counts the same."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from indexer.market.months import TABLES, make_months
from indexer.market.retention import clean
from indexer.market.scheduled.create_snapshots import create_snapshots
from indexer.market.scheduled.sync_chains import sync_chains
from indexer.market.scheduled.sync_historical import list_pools, sync_historical
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.tasks.declaring import Counts, LooseRun
from tests.market.syncs.tables import ask, attached, contents, drop_all_months, empty_market, go_back, one, rows_of
from tests.standin.server import StandIn

pytestmark = pytest.mark.usefixtures("market")


class Gone(Exception):
    """The process is."""


class FragileRun(LooseRun):
    """A run that ends at its `last` word, of whatever kind; its cursor is kept only where what was saved is, too."""

    def __init__(self, last: int | None = None, cursor: Any = None) -> None:
        super().__init__(cursor)
        self.last, self.words = last, 0

    def say(self) -> None:
        self.words += 1
        if self.words == self.last:
            raise Gone

    def progress(self, done: int, total: int | None = None) -> None:
        self.say()

    def save(self, cursor: Any) -> None:
        self.say()
        super().save(cursor)

    def reserve(self, api: str) -> None:
        self.say()

    def learn(self, api: str, status: int, headers: Any) -> None:
        self.say()


def sync_all(call: Callable[[Callable[[LooseRun], Counts]], None], standin: StandIn) -> None:
    """All syncs, twice: what is there the second time is different, broken and gone in part."""
    for turn in range(2):
        for sync in (sync_chains, sync_protocols, sync_pools):
            call(sync)
        call(lambda run: sync_historical(run, next(iter(list_pools(None, None)))))
        call(create_snapshots)
        if turn == 0:
            standin.change("/pools", "set", field="tvlUsd", value=4, first=3)
            standin.change("/pools", "set", field="apy", value="no", keys=[standin.table("/pools").read()[9]["pool"]])
            standin.change("/pools", "remove", keys=[standin.table("/pools").read()[5]["pool"]])
            standin.change("/protocols", "set", field="slug", value="renamed", first=1)


def test_tables_are_the_same_wherever_it_was_stopped(standin: StandIn) -> None:
    original = {path: list(table.rows) for path, table in standin.llama.tables.items()}
    counted: list[Counts] = []
    sync_all(lambda sync: counted.append(sync(LooseRun())), standin)
    undisturbed = contents()
    empty_market()
    drop_all_months()
    restore(standin, original)
    again: list[Counts] = []

    def disturb(sync: Callable[[LooseRun], Counts]) -> None:
        for last in range(1, 100):
            run = FragileRun(last)
            try:
                again.append(sync(run))
            except Gone:
                continue
            return
        raise AssertionError("it is never done")

    sync_all(disturb, standin)
    assert contents() == undisturbed
    assert again == counted


@pytest.mark.parametrize(("sync", "created"), [(sync_chains, 120), (sync_protocols, 200), (sync_pools, 1000)])
def test_one_that_is_stopped_once_all_is_stored_counts_what_it_did(
    sync: Callable[[LooseRun], Counts], created: int
) -> None:
    run = FragileRun()
    sync(run)
    assert sync(FragileRun(cursor=run.cursor)) == Counts(created=created)
    assert sync(FragileRun()) == Counts(unchanged=created)


def restore(standin: StandIn, rows: dict[str, list[bytes]]) -> None:
    for path, kept in rows.items():
        standin.table(path).rows = kept
        standin.change(path, "set", field="tvl", first=0)


def test_what_waits_is_counted_once_by_a_run_that_is_stopped_once_all_is_stored(standin: StandIn) -> None:
    sync_pools(LooseRun())
    standin.change("/pools", "multiply", field="tvlUsd", value=9, first=3)
    run = FragileRun()
    counts = sync_pools(run)
    kept = rows_of("rejected_rows")
    assert (counts.rejected, len(kept)) == (3, 3)
    assert sync_pools(FragileRun(cursor=run.cursor)) == counts
    assert rows_of("rejected_rows") == kept
    # A day later it has waited long enough, and what was taken is of that moment.
    go_back(24)
    assert sync_pools(FragileRun(cursor=run.cursor)) == Counts(changed=3, unchanged=997)
    assert one("SELECT now() - taken_at < interval '1 minute' FROM market_documents")


def test_a_day_that_is_not_taken_is_kept_once_by_a_run_that_is_stopped_before_the_end(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    standin.table(f"/chart/{key}").read()
    standin.change(f"/chart/{key}", "set", field="tvlUsd", value="much", first=1)
    times = "SELECT array_agg(times) FROM rejected_rows"
    run = FragileRun()
    counts = sync_historical(run, key)
    assert (counts.rejected, one(times)) == (1, [1])
    assert sync_historical(FragileRun(cursor=run.cursor), key) == counts
    assert one(times) == [1]
    sync_historical(FragileRun(), key)
    assert one(times) == [2]
    # What has changed meanwhile is another answer, and has it, too.
    standin.change(f"/chart/{key}", "set", field="apy", value=1.25, first=2)
    sync_historical(FragileRun(cursor=run.cursor), key)
    assert one(times) == [3]


def test_days_are_counted_by_the_attempt_that_stored_them() -> None:
    for sync in (sync_protocols, sync_pools):
        sync(LooseRun())
    key = next(iter(list_pools(None, None)))
    for store in (create_snapshots, lambda run: sync_historical(run, key)):
        run = FragileRun()
        counts = store(run)
        assert counts.created > 300
        assert store(FragileRun(cursor=run.cursor)) == counts


def test_what_is_let_go_is_counted_however_often_it_is_stopped() -> None:
    days = [date(2020, month, 15) for month in range(1, 5)]
    for table in TABLES:
        make_months(table, days)
    for day in days:
        ask("INSERT INTO protocol_daily_snapshots (day, protocol_id) VALUES (%s, 'old')", day)
    assert clean_with_stops(date(2021, 1, 1)) == Counts(vanished=len(days))
    assert not [month for table in TABLES for month in attached(table)]


def clean_with_stops(keep: date) -> Counts:
    """Each attempt goes on from what the one before has stored, and gets one word further."""
    cursor = None
    for last in range(1, 100):
        run = FragileRun(last, cursor)
        try:
            return clean(run, keep)
        except Gone:
            cursor = run.cursor
    raise AssertionError("it is never done")
