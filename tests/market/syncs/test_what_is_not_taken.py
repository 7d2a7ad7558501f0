"""A bad row takes no other with it; a source that has changed changes nothing; a number that jumps has to wait."""

import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from indexer.market.models import Document, Pool, RejectedRow
from indexer.market.reading import Drift
from indexer.market.scheduled.create_snapshots import create_snapshots
from indexer.market.scheduled.sync_historical import list_pools, sync_historical
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.tasks.declaring import Counts, LooseRun
from tests.market.syncs.tables import attached, contents, go_back
from tests.standin.server import StandIn

pytestmark = pytest.mark.usefixtures("market")


def first_pool(standin: StandIn) -> str:
    return str(standin.table("/pools").read()[0]["pool"])


def test_a_bad_row_takes_no_other_with_it_and_does_not_vanish(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = first_pool(standin)
    standin.change("/pools", "set", field="apy", value="lots", keys=[key])
    assert sync_pools(LooseRun()) == Counts(unchanged=999, rejected=1)
    assert Pool.objects.get(pk=key).vanished_at is None
    row = RejectedRow.objects.get()
    assert (row.task, row.key, row.reason, row.times) == ("sync-pools", key, "shape", 1)
    assert "$.apy" in row.words
    assert "lots" in row.row
    standin.change("/pools", "set", field="symbol", value="OTHER", keys=[key])
    sync_pools(LooseRun())
    assert RejectedRow.objects.get().times == 2


def test_a_row_without_a_key_lets_nothing_vanish(standin: StandIn) -> None:
    sync_pools(LooseRun())
    standin.change("/pools", "unset", field="pool", first=1)
    assert sync_pools(LooseRun()) == Counts(unchanged=999, rejected=1)
    assert not Pool.objects.exclude(vanished_at=None).exists()


@pytest.mark.parametrize("do", ["unset", "set"])
def test_a_field_that_is_gone_or_of_another_type_stops_the_write(do: str, standin: StandIn) -> None:
    sync_pools(LooseRun())
    before, taken = contents(), Document.objects.get().taken_at
    standin.change("/pools", do, field="apyMean30d", value={"is": "new"})
    with pytest.raises(Drift, match=r"\$\.apyMean30d"):
        sync_pools(LooseRun())
    assert contents() == before
    assert Document.objects.get().taken_at == taken


def test_an_answer_of_less_than_half_is_not_taken(standin: StandIn) -> None:
    sync_pools(LooseRun())
    standin.change("/pools", "remove", first=501)
    with pytest.raises(Drift, match=r"501 of the 1,000 rows"):
        sync_pools(LooseRun())
    assert not Pool.objects.exclude(vanished_at=None).exists()


@pytest.mark.parametrize(("first", "what"), [(999, "unset"), (990, "null"), (501, "null")])
def test_a_field_that_is_gone_from_most_rows_stops_the_write(first: int, what: str, standin: StandIn) -> None:
    standin.change("/pools", "set", field="apy", value=2)
    sync_pools(LooseRun())
    before = contents()
    standin.change("/pools", "unset" if what == "unset" else "set", field="apy", first=first)
    words = rf"^\$\.apy: {first} of 1,000 values .*run sync-pools --param accept=true.*what was kept before stays$"
    with pytest.raises(Drift, match=words):
        sync_pools(LooseRun())
    assert contents() == before
    # It may be so all the same.
    assert sync_pools(LooseRun(), accept=True) == Counts(changed=first, unchanged=1000 - first)
    assert Pool.objects.filter(apy=None).count() == first


def test_a_field_that_is_gone_for_good_is_taken_once_that_is_accepted(standin: StandIn) -> None:
    sync_pools(LooseRun())
    standin.change("/pools", "unset", field="outlier")
    with pytest.raises(
        Drift, match=r"^\$\.outlier: .* none of 1,000 rows.* `manage.py tasks run sync-pools --param acc"
    ):
        sync_pools(LooseRun())
    assert sync_pools(LooseRun(), accept=True) == Counts(changed=1000)
    assert not Pool.objects.exclude(outlier=None).exists()
    # Nor does it stop those that come after it, as any other field does.
    standin.change("/pools", "set", field="symbol", value="OTHER", first=1)
    assert sync_pools(LooseRun()) == Counts(changed=1, unchanged=999)
    standin.change("/pools", "unset", field="apyMean30d")
    with pytest.raises(Drift, match=r"^\$\.apyMean30d: "):
        sync_pools(LooseRun())


def test_a_history_that_never_says_a_field_is_taken_once_that_is_accepted(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    standin.change(f"/chart/{key}", "set", field="apy", value=None)
    with pytest.raises(Drift, match=r"^\$\.apy: .*run sync-historical --param accept=true"):
        sync_historical(LooseRun(), key)
    assert sync_historical(LooseRun(), key, accept=True).created > 100


def test_a_field_that_is_gone_from_half_of_the_rows_is_taken(standin: StandIn) -> None:
    standin.change("/pools", "set", field="apy", value=2)
    sync_pools(LooseRun())
    standin.change("/pools", "set", field="apy", value=None, first=500)
    assert sync_pools(LooseRun()) == Counts(changed=500, unchanged=500)


def test_a_list_that_is_gone_is_a_field_that_is_gone(standin: StandIn) -> None:
    sync_protocols(LooseRun())
    standin.change("/protocols", "unset", field="chains", first=199)
    with pytest.raises(Drift, match=r"^\$\.chains: "):
        sync_protocols(LooseRun())


@pytest.mark.parametrize(("days", "kept"), [(365, 1), (90, 0), (6, 1)])
def test_a_field_that_is_gone_from_a_history_of_any_length_stops_the_write(
    days: int, kept: int, standin: StandIn
) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    chart = standin.table(f"/chart/{key}")
    chart.rows = chart.rows[-days:]
    standin.change(f"/chart/{key}", "set", field="apy", value=2)
    sync_historical(LooseRun(), key)
    before = contents()
    standin.change(f"/chart/{key}", "unset", field="apy", keys=[row["timestamp"] for row in chart.read()[kept:]])
    with pytest.raises(Drift, match=r"^\$\.apy: "):
        sync_historical(LooseRun(), key)
    assert contents() == before
    assert sync_historical(LooseRun(), key, accept=True).changed > 0


def test_a_day_too_late_or_too_long_takes_no_other_with_it(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key = next(iter(list_pools(None, None)))
    moments = [row["timestamp"] for row in standin.table(f"/chart/{key}").read()]
    for moment, wrong in zip(moments, ("9" * 180, "9999-12-31T23:00:00Z", "2099-01-01T00:00:00Z"), strict=False):
        standin.change(f"/chart/{key}", "set", field="timestamp", value=wrong, keys=[moment])
    counts = sync_historical(LooseRun(), key)
    assert (counts.created, counts.rejected) == (len(moments) - 3, 3)
    assert list(RejectedRow.objects.order_by("key").values_list("reason", flat=True)) == ["bounds", "bounds", "shape"]
    assert not [month for month in attached("pool_daily_snapshots") if "2099" in month]


def test_a_tenth_of_the_rows_may_be_gone_and_one_more_is_an_answer_that_is_not_whole(standin: StandIn) -> None:
    sync_protocols(LooseRun())
    sync_pools(LooseRun())
    create_snapshots(LooseRun())
    standin.change("/pools", "remove", first=100)
    assert sync_pools(LooseRun()).vanished == 100
    before = contents()
    standin.change("/pools", "remove", first=91)
    with pytest.raises(Drift, match=r"91 of the 900 rows .*`manage.py tasks run sync-pools --param accept=true`"):
        sync_pools(LooseRun())
    assert contents() == before
    assert sync_pools(LooseRun(), accept=True).vanished == 91


def test_of_few_rows_any_may_be_gone(standin: StandIn) -> None:
    table = standin.table("/protocols")
    table.rows = table.rows[:10]
    sync_protocols(LooseRun())
    standin.change("/protocols", "remove", first=4)
    assert sync_protocols(LooseRun()).vanished == 4


def test_a_bad_row_lets_others_vanish_however_its_key_is_written(standin: StandIn) -> None:
    sync_pools(LooseRun())
    key, *gone = (row["pool"] for row in standin.table("/pools").read()[:4])
    standin.change("/pools", "remove", keys=gone)
    row = standin.table("/pools").read()[0] | {"pool": key.upper(), "il7d": 31337.5}
    standin.change("/pools", "write", value=json.dumps(row).replace("31337.5", "1e400"), first=1)
    assert sync_pools(LooseRun()) == Counts(unchanged=996, vanished=3, rejected=1)
    assert sorted(str(pool.id) for pool in Pool.objects.exclude(vanished_at=None)) == sorted(gone)


def test_what_has_jumped_is_kept_as_it_came(standin: StandIn) -> None:
    standin.change("/pools", "set", field="tvlUsd", value=1000, first=1)
    sync_pools(LooseRun())
    row = standin.table("/pools").read()[0] | {"tvlUsd": 9000, "aNewField": "x" * 20_000}
    text = json.dumps(row, indent=2)
    standin.change("/pools", "write", value=text, first=1)
    assert sync_pools(LooseRun()).rejected == 1
    assert RejectedRow.objects.get().row == text[:10_000]


def test_a_number_that_jumps_waits_for_five_hours(standin: StandIn) -> None:
    key = first_pool(standin)
    standin.change("/pools", "set", field="tvlUsd", value=1000, keys=[key])
    sync_pools(LooseRun())
    standin.change("/pools", "set", field="tvlUsd", value=5001, keys=[key])
    assert sync_pools(LooseRun()) == Counts(unchanged=999, rejected=1)
    assert Pool.objects.get(pk=key).tvl == 1000
    spike = RejectedRow.objects.get()
    assert (spike.key, spike.reason) == (key, "spike")
    assert "5001" in spike.row
    # Unchanged, it is asked for in full nevertheless: it may be confirmed by now.
    go_back(4.9)
    assert sync_pools(LooseRun()) == Counts(unchanged=999, rejected=1)
    go_back(0.2)
    assert sync_pools(LooseRun()) == Counts(changed=1, unchanged=999)
    assert Pool.objects.get(pk=key).tvl == 5001


def test_a_number_that_jumps_and_falls_again_was_never_there(standin: StandIn) -> None:
    key = first_pool(standin)
    standin.change("/pools", "set", field="apy", value=2, keys=[key])
    sync_pools(LooseRun())
    for apy, rejected in ((50, 1), (2.5, 0), (60, 1)):
        standin.change("/pools", "set", field="apy", value=apy, keys=[key])
        assert sync_pools(LooseRun()).rejected == rejected
        go_back(3)
    # The second jump began three hours ago, the first nine.
    assert sync_pools(LooseRun()).rejected == 1
    assert Pool.objects.get(pk=key).apy == 2.5


def test_a_number_that_jumps_while_its_pool_is_away_waits_too(standin: StandIn) -> None:
    key = first_pool(standin)
    standin.change("/pools", "set", field="tvlUsd", value=1000, keys=[key])
    sync_pools(LooseRun())
    table = standin.table("/pools")
    kept = list(table.rows)
    standin.change("/pools", "remove", keys=[key])
    assert sync_pools(LooseRun()).vanished == 1
    table.rows = kept
    standin.change("/pools", "set", field="tvlUsd", value=900_000, keys=[key])
    assert sync_pools(LooseRun()).rejected == 1
    assert Pool.objects.get(pk=key).tvl == 1000
    # One that is back after five hours is another one, as far as anybody knows.
    Pool.objects.filter(pk=key).update(vanished_at=now() - timedelta(hours=5, minutes=1))
    assert sync_pools(LooseRun()) == Counts(changed=1, unchanged=999)


def test_five_times_as_much_and_what_comes_after_a_day_is_taken(standin: StandIn) -> None:
    key = first_pool(standin)
    for value in (1000, 5000):
        standin.change("/pools", "set", field="tvlUsd", value=value, keys=[key])
        assert sync_pools(LooseRun()).rejected == 0
    go_back(24)
    standin.change("/pools", "set", field="tvlUsd", value=500_000, keys=[key])
    assert sync_pools(LooseRun()) == Counts(changed=1, unchanged=999)


def test_a_key_that_is_there_twice_is_taken_once(standin: StandIn) -> None:
    standin.change("/protocols", "duplicate", first=2)
    assert sync_protocols(LooseRun()) == Counts(created=200, rejected=2)
    assert set(RejectedRow.objects.values_list("reason", flat=True)) == {"duplicate"}
