"""Recorded mainnet blocks through the latest loop with 1,000 and with 100,000 jobs: the same work."""

from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from benchmarks.jobs import Figures, measure, new_chain
from tests.recorded_node import read_blocks

pytestmark = pytest.mark.xdist_group("a_block_costs_the_same_for_any_number_of_jobs")

FEW, MANY = 1_000, 100_000
NEARLY_THE_SAME = 3
"""Work that grows with the jobs would take a hundred times as long, for the quickest of all blocks, too: how much other
work the machine had at the time is not in that one."""


@pytest.fixture(scope="module")
def figures(django_db_setup: None, django_db_blocker: DjangoDbBlocker, shared_data: Path) -> tuple[Figures, Figures]:
    blocks = read_blocks(shared_data)
    found = []
    with django_db_blocker.unblock():
        for jobs in (FEW, MANY):
            with new_chain() as chain:
                found.append(measure(chain, blocks, jobs))
    return found[0], found[1]


@pytest.mark.slow
def test_a_block_takes_the_same_statements(figures: tuple[Figures, Figures]) -> None:
    few, many = figures
    assert (few.jobs, many.jobs) == (FEW, MANY)
    assert many.statements == few.statements
    assert 7 < len(few.statements) < 10


@pytest.mark.slow
def test_a_block_takes_about_the_same_time(figures: tuple[Figures, Figures]) -> None:
    few, many = figures
    assert min(many.match) < NEARLY_THE_SAME * min(few.match)
    assert min(many.block) < NEARLY_THE_SAME * min(few.block)
