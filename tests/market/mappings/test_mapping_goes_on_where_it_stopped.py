"""However often the task is broken off, it ends with the tables of an undisturbed run."""

import sys
from typing import Any

import pytest

from indexer.embedded.chain import World
from indexer.market.models import ContractMapping, MappingEvidence
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.tasks.declaring import Cancelled, LooseRun
from tests.market.mappings.local_pools import Make


class Broken(LooseRun):
    """Its `at`-th step, be it progress or save, breaks it off."""

    def __init__(self, cursor: Any, at: int) -> None:
        super().__init__(cursor)
        self.left = at

    def progress(self, done: int, total: int | None = None) -> None:
        self.step()
        super().progress(done, total)

    def save(self, cursor: Any) -> None:
        self.step()
        super().save(cursor)

    def step(self) -> None:
        self.left -= 1
        if not self.left:
            raise Cancelled


def rows() -> tuple[list[Any], list[Any]]:
    mappings = ContractMapping.objects.order_by("pool", "address").values_list("pool", "address", "kind", "confidence")
    evidence = MappingEvidence.objects.order_by("mapping__pool", "mapping__address", "kind")
    return list(mappings), list(evidence.values_list("mapping__pool", "mapping__address", "kind", "source", "detail"))


@pytest.mark.parametrize("local", ["multicall"], indirect=True)
def test_any_break_and_the_rest_are_the_whole(local: World, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_of(), "BATCH", 2)
    for name, pair in local.pairs.items():
        make(pair, *(local.tokens[symbol] for symbol in name.split("/")))
    whole = LooseRun()
    counts = map_contracts(whole)
    expected = rows()
    assert len(expected[0]) > len(local.pairs)
    for at in range(1, 8):
        ContractMapping.objects.all().delete()
        run = Broken(None, at)
        with pytest.raises(Cancelled):
            map_contracts(run)
        resumed = LooseRun(run.cursor)
        assert map_contracts(resumed) == counts
        assert rows() == expected
        assert (resumed.done, resumed.total) == (len(local.pairs), len(local.pairs))


def module_of() -> Any:
    """The package has the task under its module's name."""
    return sys.modules[map_contracts.function.__module__]
