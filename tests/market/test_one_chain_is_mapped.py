"""map-contracts for one chain alone: which names of it are taken, and where the others are refused."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError

from indexer.market.models import Pool
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.tasks.declaring import LooseRun, TaskError
from indexer.tasks.models import Schedule, TaskRun
from tests.market.listed import market

__all__ = ["market"]

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def runs(market: None) -> Iterator[None]:
    TaskRun.objects.all().delete()
    yield
    TaskRun.objects.all().delete()


@pytest.mark.parametrize(("name", "pools"), [("Hilltop", 3), ("hilltop", 3), ("SOLANA", 1), ("", 4)])
def test_a_chain_is_taken_in_any_case(name: str, pools: int) -> None:
    run = LooseRun()
    map_contracts(run, chain=name)
    assert (run.done, run.total) == (pools, pools)


@pytest.mark.usefixtures("runs")
def test_a_chain_that_no_pool_is_on_is_refused_before_anything_runs() -> None:
    with pytest.raises(CommandError, match=r"no pool is on a chain 'Hiltop'; did you mean Hilltop\?") as refusal:
        call_command("tasks", "run", "map-contracts", "--param", "chain=Hiltop")
    assert refusal.value.returncode == 2
    assert not TaskRun.objects.exists()
    with pytest.raises(ValidationError, match="no pool is on a chain 'Nowhere'; GET /api/v1/market/chains lists them"):
        Schedule(name="some", task="map-contracts", cron="0 4 * * *", params={"chain": "Nowhere"}).clean()


def test_a_run_whose_chain_has_gone_meanwhile_says_so() -> None:
    Pool.objects.filter(chain_name="Solana").delete()
    with pytest.raises(TaskError, match="no pool is on a chain 'Solana'"):
        map_contracts(LooseRun(), chain="Solana")
