"""Section 5.1: a limit means the same in whatever form it comes, and its numbers are read."""

from __future__ import annotations

import pytest

from indexer.rpc import Endpoint

from .envelopes import ask_in_every_envelope
from .pathologies import RANGES, Case
from .scripted import ScriptedNode


@pytest.mark.parametrize("case", RANGES, ids=lambda case: case.name)
def test_a_limit_means_the_same_in_every_envelope(case: Case, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    assert ask_in_every_envelope(case, scripted, endpoint) == []
