"""`manage.py simulate`: a seed that fails is told with the command that shows it again."""

import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from indexer.embedded.places import project_dir


@pytest.mark.slow
def test_a_seed_that_fails_is_told_with_the_command_that_shows_it_again() -> None:
    options = ["--seeds", "1", "--from", "2", "--only", "", "--without", "earliest block"]
    done = subprocess.run(
        [sys.executable, "manage.py", "simulate", *options],
        cwd=project_dir(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "seed 2: FAILED" in done.stdout
    again = "manage.py simulate --seed 2 -v 2 --only '' --without 'earliest block'"
    assert again in done.stdout
    assert "1 of 1 seeds failed: 2" in done.stderr


@pytest.mark.parametrize(
    ("option", "words"), [("without", "no check is called 'gravity'"), ("only", "no fault is called")]
)
def test_names_that_nobody_knows_are_refused_before_anything_is_made(option: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("simulate", seed=1, **{option: ["gravity"] if option == "without" else "gravity"})
