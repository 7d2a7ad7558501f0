"""Some of the checks that mutations.py can switch off, each in the life that README.md beside this file names for it:
it fails without the check and passes with it.
"""

import csv
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.embedded.management.commands.simulate import Command
from tests.simulation.mutations import MUTATIONS, without
from tests.simulation.plan import Plan
from tests.simulation.run import live, plan_of

README = Path(__file__).with_name("README.md").read_text()


def named_lives() -> Mapping[tuple[str, ...], Plan]:
    """The lives of the tables by the checks without which each of them fails, read as the command reads them."""
    parser = Command().create_parser("manage.py", "simulate")
    found = {}
    for names, words in re.findall(r"^\| (.+?) \| `(--seed .+?)` \|", README, re.MULTILINE):
        life = parser.parse_args(shlex.split(words))
        plan = plan_of(life.seed, life.only, late=life.late, crowded=life.crowded)
        found[tuple(next(csv.reader([names], skipinitialspace=True)))] = plan
    return found


LIVES = named_lives()


def test_every_mutation_changes_something_and_is_taken_back() -> None:
    for name in MUTATIONS:
        # Raises where what it is to switch off has another form now.
        with without([name]):
            pass
        with without([name]):
            pass


def test_every_check_has_a_life_or_is_said_to_have_none() -> None:
    _, shown_by_none = README.split("What no life shows:")
    without_life = set(re.findall(r"\*(.+?)\*", shown_by_none))
    with_life = {name for names in LIVES for name in names}
    assert with_life | without_life == set(MUTATIONS)
    assert not with_life & without_life


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("log block hash", "at _check_claims"),
        ("receipts root", "is covered"),
        ("bloom: what came", "rows of no block"),
        ("second endpoint", "is covered"),
        ("majority head", "is above every block there was"),
        ("earliest block", "is covered"),
        ("undo below final", "were read as"),
        ("parent link", "is covered"),
    ],
)
def test_a_check_switched_off_is_noticed(chain: Chain, connection: Connection, name: str, words: str) -> None:
    with without([name]):
        problem = live(LIVES[name,], chain, connection).problem
    assert words in problem, f"without {name!r}: {problem or 'nobody has noticed'}"
