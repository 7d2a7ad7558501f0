"""A bad row takes no other with it; a source that has changed changes nothing; a number that jumps has to wait."""

import pytest

from indexer.market.models import Document, Pool, RejectedRow
from indexer.market.reading import Drift
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.tasks.declaring import Counts, LooseRun
from tests.market.syncs.tables import contents, go_back
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
    with pytest.raises(Drift, match="499 rows"):
        sync_pools(LooseRun())
    assert not Pool.objects.exclude(vanished_at=None).exists()


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
