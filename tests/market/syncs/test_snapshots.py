"""A day is stored once it is known, wholly where all of it is; histories fill what we did not see; old months go."""

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from indexer.chains.connections import Connection
from indexer.market.live import KEEP_DAYS, first_kept
from indexer.market.models import Document, Pool, RejectedRow
from indexer.market.months import TABLES, make_months
from indexer.market.scheduled.cleanup_old_data import cleanup_old_data
from indexer.market.scheduled.create_snapshots import create_snapshots
from indexer.market.scheduled.sync_historical import list_pools, sync_historical
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.market.snapshots import NothingToday
from indexer.tasks.declaring import Counts, LooseRun, Refused, TaskError
from indexer.tasks.models import Partition, TaskRun
from indexer.tasks.statuses import read_task
from indexer.tasks.steering import backfill
from indexer.workers.live_changes import set_value
from tests.market.conftest import TODAY
from tests.market.syncs.tables import ask, attached, go_back, one
from tests.standin.server import StandIn
from tests.tasks.test_a_run_goes_where_its_function_says import carry

pytestmark = pytest.mark.usefixtures("market")
SAME_TVL = """
SELECT count(*) FROM pool_daily_snapshots AS each JOIN pools ON pools.id = pool_id
WHERE each.tvl IS NOT DISTINCT FROM pools.tvl
"""
DAYS = "SELECT complete, pools, protocols FROM snapshot_days"


def set_keep_days(days: int) -> None:
    set_value(KEEP_DAYS.name, days, actor="test", why="")


def test_a_day_has_every_pool_and_protocol_and_is_stored_once() -> None:
    sync_protocols(LooseRun())
    sync_pools(LooseRun())
    assert create_snapshots(LooseRun()) == Counts(created=1200)
    assert ask(DAYS) == [(True, 1000, 200)]
    before = versions_of_days()
    assert create_snapshots(LooseRun()) == Counts(unchanged=1200)
    assert versions_of_days() == before
    # What pools and protocols are worth is what they were.
    assert one(SAME_TVL) == 1000
    assert one("SELECT sum(pools) FROM protocol_daily_snapshots") == Pool.objects.exclude(protocol=None).count()


def test_a_pool_that_has_vanished_has_no_day() -> None:
    sync_pools(LooseRun())
    ask("UPDATE pools SET vanished_at = now() WHERE id IN (SELECT id FROM pools LIMIT 10)")
    assert create_snapshots(LooseRun()) == Counts(created=990)


def test_what_is_left_of_a_row_that_was_not_taken_is_not_of_today(standin: StandIn) -> None:
    sync_protocols(LooseRun())
    sync_pools(LooseRun())
    go_back(24)
    pools = [row["pool"] for row in standin.table("/pools").read()[:2]]
    protocol = standin.table("/protocols").read()[0]["id"]
    standin.change("/pools", "set", field="tvlUsd", value="much", keys=pools[:1])
    standin.change("/protocols", "set", field="tvl", value="much", keys=[protocol])
    for turn in range(2):
        # The second time it is known to be unchanged, and the rows are as bad as they were.
        sync_protocols(LooseRun())
        sync_pools(LooseRun())
        assert create_snapshots(LooseRun()) == (Counts(unchanged=1198) if turn else Counts(created=1198))
    found = ask("SELECT count(*) FROM pool_daily_snapshots WHERE pool_id::text = ANY(%s)", pools)
    assert found == [(1,)]
    standin.change("/pools", "set", field="tvlUsd", value=7, keys=pools[:1])
    sync_pools(LooseRun())
    assert create_snapshots(LooseRun()).created == 1


def test_a_partial_day_becomes_complete_and_never_the_other_way_round() -> None:
    sync_protocols(LooseRun())
    assert create_snapshots(LooseRun()) == Counts(created=200)
    assert ask(DAYS) == [(False, 0, 200)]
    assert ask("SELECT DISTINCT pools FROM protocol_daily_snapshots") == [(None,)]
    sync_pools(LooseRun())
    assert create_snapshots(LooseRun()) == Counts(created=1000, changed=200)
    assert ask(DAYS) == [(True, 1000, 200)]
    ask("UPDATE pools SET tvl = 1")
    Document.objects.filter(name="defillama:/protocols").delete()
    assert create_snapshots(LooseRun()) == Counts()
    assert ask(DAYS) == [(True, 1000, 200)]
    assert one("SELECT count(*) FROM pool_daily_snapshots WHERE tvl = 1") == 0


def test_what_was_taken_yesterday_is_not_todays() -> None:
    sync_pools(LooseRun())
    go_back(24)
    with pytest.raises(NothingToday, match="run sync-pools"):
        create_snapshots(LooseRun())
    assert ask(DAYS) == []


def test_a_history_is_read_a_day_at_a_time(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    days = len({row["timestamp"][:10] for row in chart(standin, key)})
    assert sync_historical(LooseRun(), key) == Counts(created=days)
    assert sync_historical(LooseRun(), key) == Counts(unchanged=days)
    assert one("SELECT count(*) FROM pool_daily_snapshots WHERE source = 'chart' AND pool_id = %s", key) == days
    standin.change(f"/chart/{key}", "set", field="apy", value=1.25, first=1)
    assert sync_historical(LooseRun(), key) == Counts(changed=1, unchanged=days - 1)


def test_only_the_days_that_are_wanted_are_stored() -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    first, last = TODAY - timedelta(days=40), TODAY - timedelta(days=30)
    assert sync_historical(LooseRun(), key, first=first, last=last) == Counts(created=11)
    assert ask("SELECT min(day), max(day) FROM pool_daily_snapshots") == [(first, last)]
    # And none that would be let go at once.
    set_keep_days(31)
    assert sync_historical(LooseRun(), key).created == max(0, (TODAY - first_kept()).days + 1)


def test_a_day_of_a_history_is_written_over_by_ours_and_never_the_other_way_round(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    today = one("SELECT (now() AT TIME ZONE 'UTC')::date")
    chart(standin, key)
    standin.change(
        f"/chart/{key}",
        "set",
        field="timestamp",
        value=f"{today}T01:00:00.000Z",
        keys=[standin.table(f"/chart/{key}").read()[-1]["timestamp"]],
    )
    sync_historical(LooseRun(), key)
    ours = "SELECT source FROM pool_daily_snapshots WHERE pool_id = %s AND day = %s"
    assert one(ours, key, today) == "chart"
    assert create_snapshots(LooseRun()) == Counts(created=999, changed=1)
    assert one(ours, key, today) == "pools"
    assert sync_historical(LooseRun(), key).changed == 0
    assert one(ours, key, today) == "pools"


@pytest.mark.parametrize("status", [400, 402, 404])
def test_a_history_that_is_not_to_be_had_is_refused(status: int, standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    standin.fail(f"/chart/{key}", status=status, text="no such pool")
    with pytest.raises(Refused, match=rf"/chart/{key}: HTTP {status}: no such pool$"):
        sync_historical(LooseRun(), key)


def test_a_bad_day_takes_no_other_with_it(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    chart(standin, key)
    standin.change(f"/chart/{key}", "set", field="tvlUsd", value="much", first=1)
    counts = sync_historical(LooseRun(), key)
    assert counts.rejected == 1
    assert RejectedRow.objects.get().key.startswith(key)


def test_the_pools_with_the_most_tvl_are_listed_in_that_order() -> None:
    sync_pools(LooseRun())
    tvl = dict(Pool.objects.values_list("id", "tvl"))
    listed = list(list_pools(None, None, limit=50))
    assert len(listed) == 50
    assert listed == [str(pool.id) for pool in Pool.objects.exclude(tvl=None).order_by("-tvl", "id")[:50]]
    assert len(list(list_pools(None, None))) == sum(value is not None for value in tvl.values())


def test_old_months_are_dropped_and_others_stay() -> None:
    kept = first_kept()
    before = kept.replace(day=1) - timedelta(days=1)
    for table in TABLES:
        make_months(table, [before, kept, date(2019, 12, 31)])
        make_months(table, [before])
        assert len(attached(table)) == 3
    for day in (before, kept):
        ask("INSERT INTO pool_daily_snapshots (day, pool_id, source) VALUES (%s, gen_random_uuid(), 'pools')", day)
        ask("INSERT INTO snapshot_days VALUES (%s, true, 1, 0, now())", day)
    reject(89)
    reject(91)
    assert cleanup_old_data(LooseRun()) == Counts(vanished=2)
    assert attached("pool_daily_snapshots") == [f"pool_daily_snapshots_{kept:%Y_%m}"]
    assert attached("protocol_daily_snapshots") == [f"protocol_daily_snapshots_{kept:%Y_%m}"]
    assert ask("SELECT day FROM snapshot_days") == [(kept,)]
    assert RejectedRow.objects.get().key == "89"
    assert cleanup_old_data(LooseRun()) == Counts()
    set_keep_days(36500)
    assert first_kept() < date(1930, 1, 1)


def test_partitions_that_somebody_has_made_go_by_their_days_and_not_by_their_names() -> None:
    kept = first_kept()
    year = kept.year
    for name, first, behind in (
        ("pool_days_of_old", f"'{year - 2}-01-01'", f"'{year}-01-01'"),
        (f"pool_daily_snapshots_{year}", f"'{year}-01-01'", f"'{year + 1}-01-01'"),
        ("a_month", f"'{year + 1}-01-01'", f"'{year + 1}-02-01'"),
        ('"Any day"', f"'{year + 9}-01-01'", "MAXVALUE"),
    ):
        ask(f"CREATE TABLE {name} PARTITION OF pool_daily_snapshots FOR VALUES FROM ({first}) TO ({behind})")
    ask("CREATE TABLE all_the_rest PARTITION OF pool_daily_snapshots DEFAULT")
    days = (kept.replace(year=year - 1, day=1), kept, date(year + 1, 1, 31), date(year + 9, 1, 1))
    for day in days:
        ask("INSERT INTO pool_daily_snapshots (day, pool_id, source) VALUES (%s, gen_random_uuid(), 'pools')", day)
    make_months("pool_daily_snapshots", days)
    assert cleanup_old_data(LooseRun()) == Counts(vanished=1)
    assert attached("pool_daily_snapshots") == [f"pool_daily_snapshots_{year}", "a_month", '"Any day"']
    assert ask("SELECT day FROM pool_daily_snapshots ORDER BY day") == [(day,) for day in days[1:]]
    ask("DROP TABLE all_the_rest")


def test_a_month_that_somebody_has_detached_is_attached_again_with_its_rows() -> None:
    day = date(2025, 12, 5)
    make_months("pool_daily_snapshots", [day])
    ask("INSERT INTO pool_daily_snapshots (day, pool_id, source) VALUES (%s, gen_random_uuid(), 'pools')", day)
    ask("ALTER TABLE pool_daily_snapshots DETACH PARTITION pool_daily_snapshots_2025_12")
    make_months("pool_daily_snapshots", [day])
    assert ask("SELECT day FROM pool_daily_snapshots") == [(day,)]


def test_a_backfill_of_days_that_are_not_kept_is_refused_and_others_are_for_those_that_are(line: Connection) -> None:
    kept = first_kept()
    words = rf"no day before {kept} is kept, and 2020-02-01 is the last: .*market\.keep_days"
    with pytest.raises(TaskError, match=words):
        backfill("sync-historical", date(2020, 1, 1), date(2020, 2, 1), {}, "test")
    assert not TaskRun.objects.exists()
    sync_pools(LooseRun())
    run = carry(backfill("sync-historical", date(2020, 1, 1), TODAY, {"limit": 1}, "test"))
    assert run.state == "succeeded"
    assert Partition.objects.values_list("state", "first", "last").get() == ("complete", kept, TODAY)


@pytest.mark.parametrize("limit", [-3, 100_001])
def test_a_limit_that_cannot_be_is_refused(limit: int) -> None:
    with pytest.raises(CommandError, match=f"limit={str(limit)!r}: Expected `int` ") as error:
        call_command("tasks", "run", "sync-historical", "--param", f"limit={limit}")
    assert error.value.returncode == 2
    assert read_task("sync-historical").params["limit"] == "int"


def test_a_row_of_any_day_of_a_month_has_its_place() -> None:
    make_months("pool_daily_snapshots", [date(2025, 12, 5), date(2024, 2, 1)])
    for day in (date(2025, 12, 1), date(2025, 12, 31), date(2024, 2, 29)):
        ask("INSERT INTO pool_daily_snapshots (day, pool_id, source) VALUES (%s, gen_random_uuid(), 'chart')", day)


def versions_of_days() -> list[list[tuple[str, str]]]:
    tables = ("snapshot_days", *TABLES)
    return [ask(f"SELECT xmin::text, each::text FROM {table} AS each ORDER BY 2") for table in tables]


def chart(standin: StandIn, key: str) -> list[dict[str, str]]:
    return standin.table(f"/chart/{key}").read()


def reject(days: int) -> None:
    ask(
        "INSERT INTO rejected_rows (task, key, reason, words, row, first_at, last_at, times) "
        "VALUES ('sync-pools', %s, 'shape', '', '', now(), now() - make_interval(days => %s), 1)",
        str(days),
        days,
    )
