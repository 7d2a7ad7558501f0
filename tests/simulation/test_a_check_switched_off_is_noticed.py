"""Some of the checks that mutations.py can switch off, each in a life that fails without it and passes with it.

README.md beside this file has all of them.
"""

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.simulation.mutations import MUTATIONS, without
from tests.simulation.run import live, plan_of


def test_every_mutation_changes_something_and_is_taken_back() -> None:
    for name in MUTATIONS:
        # Raises where what it is to switch off has another form now.
        with without([name]):
            pass
        with without([name]):
            pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed", "only", "late", "words"),
    [
        ("log block hash", 12, "sibling-logs", False, "at _check_claims"),
        ("receipts root", 1, "receipt-log-dropped", False, "is covered"),
        ("bloom: what came", 2, "forged-topics", False, "rows of no block"),
        ("second endpoint", 4, "log-dropped//", False, "is covered"),
        ("majority head", 0, "wrong-chain//", True, "is above every block there was"),
        ("earliest block", 2, "", False, "is covered"),
        ("undo below final", 2, "", False, "were read as"),
        ("parent link", 2, "", False, "is covered"),
    ],
)
def test_a_check_switched_off_is_noticed(
    chain: Chain, connection: Connection, name: str, seed: int, only: str, late: bool, words: str
) -> None:
    plan = plan_of(seed, only, late=late)
    with without([name]):
        problem = live(plan, chain, connection).problem
    assert words in problem, f"without {name!r}: {problem or 'nobody has noticed'}"
