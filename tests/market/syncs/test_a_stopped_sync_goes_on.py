"""Stopped at any point and begun again, a sync leaves the tables as if nobody had stopped it, and counts the same."""

from collections.abc import Callable
from typing import Any

import pytest

from indexer.market.scheduled.create_snapshots import create_snapshots
from indexer.market.scheduled.sync_chains import sync_chains
from indexer.market.scheduled.sync_historical import list_pools, sync_historical
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.tasks.declaring import Counts, LooseRun
from tests.market.syncs.tables import contents, drop_all_months, empty_market
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
