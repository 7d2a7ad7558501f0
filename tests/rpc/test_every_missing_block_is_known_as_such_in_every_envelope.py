"""Section 5.3, rows 6, 19 and 20: gone history, blocks not there yet and heights without one."""

from __future__ import annotations

import pytest

from indexer.rpc import Endpoint

from .envelopes import ask_in_every_envelope
from .pathologies import BLOCKS, Case
from .scripted import ScriptedNode


@pytest.mark.parametrize("case", BLOCKS, ids=lambda case: case.name)
def test_it_means_the_same_in_every_envelope(case: Case, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    assert ask_in_every_envelope(case, scripted, endpoint) == []
