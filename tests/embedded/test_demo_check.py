"""`manage.py demo --check`, as CI runs it but shorter."""

import os
from pathlib import Path

import pytest

from .demo_state import NEEDS_PROC, find_processes, start_demo, state

__all__ = ["state"]

pytestmark = [pytest.mark.slow, NEEDS_PROC]


def test_every_answer_equals_the_chain_and_nothing_is_left_behind(state: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    arguments = ["--check", "--minutes", "0.2", "--history", "150", "--seed", "2", "--market", "small"]
    demo = start_demo(state, output, *arguments, database_url=os.environ.get("DATABASE_URL", ""))
    code = demo.wait(timeout=300)
    said = output.read_text()
    assert code == 0, said
    assert said.startswith("demo --check: seed 2, 0.2 minutes of traffic\n")
    assert "was killed (SIGKILL) and started again." in said
    assert said.splitlines()[-1].startswith("demo --check: passed, 2 chains, ")
    assert find_processes(state) == []
    assert not (state / "check").exists()
