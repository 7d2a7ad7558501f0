"""Answers are taken in: once, and from then on only what is new, different or gone of them."""

import pytest

from indexer.market.models import Document, Pool
from indexer.market.scheduled.sync_chains import sync_chains
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.tasks.declaring import Counts, LooseRun, Task
from tests.market.syncs.tables import versions
from tests.standin.server import StandIn

SYNCS = (
    (sync_chains, "/v2/chains", "market_chains"),
    (sync_protocols, "/protocols", "protocols"),
    (sync_pools, "/pools", "pools"),
)
pytestmark = pytest.mark.usefixtures("market")


@pytest.mark.parametrize(("sync", "path", "table"), SYNCS)
def test_an_answer_is_taken_in_and_an_unchanged_one_writes_nothing(
    sync: Task, path: str, table: str, standin: StandIn
) -> None:
    rows = len(standin.table(path).rows)
    assert sync(LooseRun()) == Counts(created=rows)
    before = versions(table)
    assert sync(LooseRun()) == Counts(unchanged=rows)
    assert standin.unchanged[path] == 1
    # The same in full, as when the source keeps no ETag.
    Document.objects.update(etag=None, last_modified=None, digest=None)
    assert sync(LooseRun()) == Counts(unchanged=rows)
    assert versions(table) == before


@pytest.mark.parametrize(("sync", "path", "table"), SYNCS)
def test_one_changed_row_writes_one(sync: Task, path: str, table: str, standin: StandIn) -> None:
    rows = len(standin.table(path).rows)
    sync(LooseRun())
    before = versions(table)
    field = "tvlUsd" if table == "pools" else "tvl"
    key = standin.table(path).read()[7][standin.table(path).key]
    standin.change(path, "set", field=field, value=1.5, keys=[key])
    assert sync(LooseRun()) == Counts(changed=1, unchanged=rows - 1)
    after = versions(table)
    assert [str(name) for name in after if after[name] != before[name]] == [key]


def test_what_an_answer_lacks_has_vanished_until_it_is_there_again(standin: StandIn) -> None:
    sync_pools(LooseRun())
    table = standin.table("/pools")
    kept = list(table.rows)
    gone = [row["pool"] for row in table.read()[:3]]
    standin.change("/pools", "remove", keys=gone)
    assert sync_pools(LooseRun()) == Counts(unchanged=997, vanished=3)
    assert sorted(str(pool.id) for pool in Pool.objects.exclude(vanished_at=None)) == sorted(gone)
    table.rows = kept
    standin.change("/pools", "set", field="symbol", value="NEW", first=1)
    assert sync_pools(LooseRun()) == Counts(changed=3, unchanged=997)
    assert not Pool.objects.exclude(vanished_at=None).exists()


def test_null_is_not_zero(standin: StandIn) -> None:
    standin.change("/pools", "set", field="tvlUsd", value=None, first=1)
    standin.change("/pools", "set", field="poolMeta", value=None, first=1)
    sync_pools(LooseRun())
    pool = Pool.objects.get(pk=standin.table("/pools").read()[0]["pool"])
    assert (pool.tvl, pool.pool_meta) == (None, None)


def test_an_apy_may_be_beyond_ten_thousand_per_cent(standin: StandIn) -> None:
    standin.change("/pools", "set", field="apy", value=123_456.5, first=1)
    sync_pools(LooseRun())
    assert Pool.objects.get(pk=standin.table("/pools").read()[0]["pool"]).apy == 123_456.5
