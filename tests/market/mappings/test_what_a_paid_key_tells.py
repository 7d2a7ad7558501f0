"""What only a paid key tells of pools: stored as long as it tells it, and missed without harm when it does not."""

import logging
from datetime import UTC, datetime

import pytest

from indexer.chains.models import Chain
from indexer.market.models import ContractMapping, Pool
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.tasks.declaring import LooseRun, Wait
from tests.market.syncs.conftest import market as market
from tests.market.syncs.tables import versions
from tests.standin.server import StandIn

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


@pytest.mark.parametrize("status", [401, 402])
def test_a_key_that_is_not_taken_stops_nothing(
    mapped: list[tuple[str, float]], standin: StandIn, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    assert {confidence for _, confidence in mapped} >= {0.6}
    standin.fail(PATH, status=status, text="Upgrade to the paid API plan")
    with caplog.at_level(logging.WARNING):
        map_contracts(LooseRun())
    assert f"HTTP {status}" in caplog.text
    assert confidences() == mapped


def test_a_spent_budget_stops_nothing(mapped: list[tuple[str, float]], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        map_contracts(Held())
    assert "nothing is left of today's budget" in caplog.text
    assert confidences() == mapped
