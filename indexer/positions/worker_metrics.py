"""The metrics of one worker, gathered when Prometheus asks: its counts, and how its chain stands in the database."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Any

import psycopg
from prometheus_client.core import Metric

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.exposition import (
    show_budget,
    show_chains,
    show_database,
    show_endpoints,
    show_jobs,
    show_meter,
    show_remaining,
)
from indexer.positions.meter import Meter
from indexer.positions.pace import Pace
from indexer.positions.standing import JobCounts, read_standings
from indexer.positions.union import bind, unite
from indexer.rpc import EndpointPool

PATIENCE = 5
"""Seconds for the database to answer: Prometheus itself waits for ten."""


PoolOf = Callable[[], EndpointPool | None]


class WorkerMetrics:
    """A Prometheus collector that keeps one connection, opened by the first who asks; `close` closes it.

    The counts are shown whatever the database does, and before it has said which chain this is: see `know`.
    """

    def __init__(
        self, slug: str, meter: Meter, stalled_after: timedelta, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.slug = slug
        self.chain: Chain | None = None
        self.meter = meter
        self.stalled_after = stalled_after
        self.pool: PoolOf = lambda: None
        self.clock = clock
        self.pace = Pace()
        self.counts = JobCounts(self.ask)
        self.connection: Connection | None = None
        self.lock = Lock()

    def collect(self) -> Iterable[Metric]:
        pool = self.pool()
        states = [] if pool is None else pool.states()
        self.meter.expect_endpoints(state.label for state in states)
        return [
            *show_meter(self.slug, self.meter),
            *show_endpoints(self.slug, states),
            *show_budget(self.slug, None if pool is None else pool.budget),
            *self.show_database(),
        ]

    def know(self, chain: Chain, pool: PoolOf) -> None:
        """The database has answered, and this is the chain; `pool` gives its endpoints, None before there are any."""
        self.chain, self.pool = chain, pool

    def show_database(self) -> list[Metric]:
        if self.chain is None or not self.lock.acquire(timeout=PATIENCE):
            return [show_database(up=False)]
        try:
            return [*self.show_chain(self.chain), show_database(up=True)]
        except psycopg.OperationalError:
            self.forget_connection()
            return [show_database(up=False)]
        except psycopg.Error:
            # It answers, but there is no such chain any more, or not with these tables.
            self.forget_connection()
            return [show_database(up=True)]
        finally:
            self.lock.release()

    def show_chain(self, chain: Chain) -> list[Metric]:
        standings = read_standings(self.ask, [chain])
        self.pace.note(self.clock(), standings[0].past_left)
        return [
            *show_chains(standings, self.stalled_after),
            *show_jobs(standings, self.counts.read(standings)),
            show_remaining(self.slug, self.pace.remaining()),
        ]

    def ask(self, part: str, schemas: tuple[str, ...], parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        if not schemas or self.chain is None:
            return []
        if self.connection is None:
            self.connection = connect(self.chain, application_name=f"footprint {self.slug} metrics", timeout=PATIENCE)
        united, names = unite(part, schemas)
        with psycopg.RawCursor(self.connection) as cursor:
            return [row[1:] for row in cursor.execute(united, bind(names, parameters))]

    def forget_connection(self) -> None:
        if self.connection is not None:
            with suppress(psycopg.Error):
                self.connection.close()
            self.connection = None

    def close(self) -> None:
        with self.lock:
            self.forget_connection()
