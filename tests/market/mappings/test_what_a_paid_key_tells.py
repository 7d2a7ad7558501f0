"""What only a paid key tells of pools: stored as long as it tells it, and missed without harm when it does not."""

import logging
from datetime import UTC, datetime

import pytest

from indexer.chains.models import Chain
from indexer.market.models import ContractMapping, MappingEvidence, Pool, RejectedRow
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.tasks.declaring import LooseRun, Wait
from tests.market.syncs.conftest import market as market
from tests.market.syncs.tables import versions
from tests.standin.server import StandIn
from tests.standin.table import Table

pytestmark = pytest.mark.usefixtures("market")
PATH = "/a-key-of-42-letters/yields/poolsOld"


@pytest.fixture
def mapped(market: str, standin: StandIn) -> list[tuple[str, float]]:
    """All pools, mapped by the paid answer: each mapping's address and confidence."""
    sync_pools(LooseRun())
    map_contracts(LooseRun())
    return confidences()


def confidences() -> list[tuple[str, float]]:
    rows = ContractMapping.objects.filter(kind="pool").order_by("pool", "address")
    return list(rows.values_list("address", "confidence"))


class Held(LooseRun):
    """The paid API is left alone for long."""

    def reserve(self, api: str) -> None:
        if api == "defillama-pro":
            raise Wait(f"{api}: nothing is left of today's budget", datetime(2999, 1, 1, tzinfo=UTC))


def test_the_urls_of_pools_are_stored_and_written_once(
    mapped: list[tuple[str, float]], standin: StandIn, chains: list[Chain]
) -> None:
    said = {row["pool"]: row["url"] for row in standin.table(PATH).read() if row["url"]}
    assert said
    assert {str(pool.id): pool.url for pool in Pool.objects.exclude(url=None)} == said
    before = versions("pools")
    map_contracts(LooseRun())
    assert versions("pools") == before


def test_what_cannot_be_used_of_it_stops_nothing(
    mapped: list[tuple[str, float]], standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    assert {confidence for _, confidence in mapped} >= {0.6}
    bodies = {
        200: '{"status":"success","data":[{',
        401: "no key",
        402: "Upgrade to the paid API plan",
        404: "",
        500: "",
    }
    for status, text in bodies.items():
        standin.fail(PATH, status=status, text=text)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            map_contracts(LooseRun())
        assert "the paid key is not used, and what it told before stays" in caplog.text
        assert ("no JSON" if status == 200 else f"HTTP {status}") in caplog.text
        assert confidences() == mapped


def test_a_paid_answer_that_has_changed_or_is_not_whole_takes_nothing_back(
    mapped: list[tuple[str, float]], standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    table = standin.table(PATH)
    rows = list(table.rows)
    for change, words in ((lambda: table.change("unset", field="url"), "$.url"), (lambda: keep(table, 10), "10 rows")):
        change()
        with caplog.at_level(logging.WARNING):
            map_contracts(LooseRun())
        assert words in caplog.text
        assert confidences() == mapped
        table.rows = list(rows)
    # What is most of an answer says nothing of the pools that it does not have.
    keep(table, 600)
    map_contracts(LooseRun())
    assert confidences() == mapped


def test_a_paid_row_that_is_bad_is_kept_as_such_and_what_was_told_of_its_pool_before_stays(
    mapped: list[tuple[str, float]], standin: StandIn
) -> None:
    bad, gone = (row["pool"] for row in standin.table(PATH).read()[:2])
    standin.table(PATH).change("set", field="poolTokenAddress", value=7, keys=[bad])
    standin.table(PATH).change("set", field="poolTokenAddress", value=None, keys=[gone])
    standin.table(PATH).change("set", field="pool_old", value=None, keys=[gone])
    map_contracts(LooseRun())
    row = RejectedRow.objects.get(task="map-contracts")
    assert (row.key, row.reason) == (bad, "shape")
    named = MappingEvidence.objects.filter(source="defillama-pro")
    assert named.filter(mapping__pool=bad).exists()
    assert not named.filter(mapping__pool=gone).exists()


def keep(table: Table, count: int) -> None:
    """Leave so many rows in it."""
    table.change("remove", first=len(table.rows) - count)


def test_a_spent_budget_stops_nothing(mapped: list[tuple[str, float]], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        map_contracts(Held())
    assert "nothing is left of today's budget" in caplog.text
    assert confidences() == mapped
