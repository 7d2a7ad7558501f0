"""What the tasks of the market do in a week, twice, with what changes meanwhile; and all that they leave behind."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from indexer.market.months import TABLES, make_months
from tests.market.syncs.tables import ask, contents, rows_of
from tests.standin.server import StandIn

TASKS: Mapping[str, Mapping[str, object]] = {
    "sync-chains": {},
    "sync-protocols": {},
    "sync-pools": {},
    "map-contracts": {},
    "create-snapshots": {},
    "sync-historical": {"limit": 4},
    "cleanup-old-data": {},
}
"""All seven with their parameters, in the order of their schedules."""
Do = Callable[[str, Mapping[str, object]], object]
WRITTEN = (
    *("market_chains", "protocols", "protocol_aliases", "pools", "rejected_rows", "market_documents"),
    *("contract_mappings", "mapping_evidence", "watch_proposals", "snapshot_days", "task_partitions", *TABLES),
)
# As if the tables were much larger: there is time to be killed before, in and after every statement that writes.
LINGER = """
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END$$;
CREATE TRIGGER linger AFTER UPDATE OF cursor, created ON task_runs FOR EACH STATEMENT EXECUTE FUNCTION linger();
"""
# A partition that is done all but for the note of it.
HOLD = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(2); RETURN NEW; END$$;
CREATE TRIGGER hold BEFORE UPDATE ON task_partitions FOR EACH ROW WHEN (NEW.state = 'complete')
    EXECUTE FUNCTION hold();
"""
MAPPINGS = """
SELECT pool_id::text, namespace, chain_id, address, m.kind, confidence, refuted, e.kind, e.source, e.detail::text
FROM contract_mappings AS m LEFT JOIN mapping_evidence AS e ON e.mapping_id = m.id
"""
PARTITIONS = "SELECT task, key, state, first, last, error, records FROM task_partitions"
PROPOSALS = """
SELECT m.pool_id::text, m.address, proposed.chain_id, entry::text, state
FROM watch_proposals AS proposed JOIN contract_mappings AS m ON m.id = mapping_id
"""
OLD_POOL_DAY = """
INSERT INTO pool_daily_snapshots (day, pool_id, tvl, source)
VALUES (%s, '00000000-0000-4000-8000-000000000001', 1, 'pools')
"""
OLD_PROTOCOL_DAY = "INSERT INTO protocol_daily_snapshots (day, protocol_id, tvl) VALUES (%s, 'old', 1)"
OLD_DAY = "INSERT INTO snapshot_days (day, complete, pools, protocols, taken_at) VALUES (%s, true, 1, 1, now())"
OLD_REJECTED = """
INSERT INTO rejected_rows (task, key, reason, words, row, times, first_at, last_at)
SELECT 'sync-pools', 'old ' || number, 'shape', 'no', '{}', 1, now() - interval '1 year', now() - interval '100 days'
FROM generate_series(1, 20) AS number
"""


def live(do: Do, standin: StandIn) -> None:
    """All seven, twice: what is there the second time is different, broken and gone in part."""
    make_old()
    for turn in range(2):
        for name, params in TASKS.items():
            do(name, params)
        if turn == 0:
            change(standin)
            ask("UPDATE task_partitions SET finished_at = finished_at - interval '9 days'")
            make_old()


def change(standin: StandIn) -> None:
    pools = [row["pool"] for row in standin.table("/pools").read()]
    standin.change("/pools", "set", field="tvlUsd", value=4, keys=pools[20:23])
    standin.change("/pools", "multiply", field="tvlUsd", value=9, keys=pools[30:33])
    standin.change("/pools", "set", field="apy", value="no", keys=[pools[40]])
    standin.change("/pools", "remove", keys=[pools[50]])
    standin.change("/protocols", "set", field="slug", value="renamed", first=1)
    standin.change("/v2/chains", "multiply", field="tvl", value=2, first=5)


def make_old() -> None:
    """Thirty months of days that are kept no longer, and rejected rows; those that are there already stay."""
    today = datetime.now(UTC).date()
    days = [month_before(today, 26 + number) for number in range(30)]
    for table in TABLES:
        make_months(table, days)
    for day in days:
        for query in (OLD_POOL_DAY, OLD_PROTOCOL_DAY, OLD_DAY):
            ask(query, day)
    ask(OLD_REJECTED)


def month_before(day: date, months: int) -> date:
    """The 15th of the month so many months before."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 15)


@contextmanager
def lingering() -> Iterator[None]:
    """Every statement that writes takes a tenth of a second longer."""
    ask(LINGER)
    for table in WRITTEN:
        ask(
            f"CREATE TRIGGER linger AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION linger()"
        )
    try:
        yield
    finally:
        ask("DROP FUNCTION linger() CASCADE")


@contextmanager
def hesitating() -> Iterator[None]:
    """Two seconds pass between what a partition stores and the note that it is complete."""
    ask(HOLD)
    try:
        yield
    finally:
        ask("DROP FUNCTION hold() CASCADE")


def left() -> dict[str, list[Any]]:
    """All that is stored of the market, without the ids of our own and the times of writing."""
    return {
        **contents(),
        "snapshot_days": rows_of("snapshot_days"),
        "mappings": sorted(ask(MAPPINGS), key=repr),
        "proposals": sorted(ask(PROPOSALS), key=repr),
        "partitions": sorted(
            ask("SELECT task, key, state, first, last, error, records FROM task_partitions"), key=repr
        ),
    }


def forget_partitions() -> None:
    ask("DELETE FROM task_partitions")
