"""Section 5.2: whatever form a rate, a spent quota or a refused key comes in, it is never taken for a range."""

from __future__ import annotations

import pytest

from indexer.rpc import Endpoint

from .envelopes import ask_in_every_envelope
from .pathologies import RATES, Case
from .scripted import ScriptedNode


@pytest.mark.parametrize("case", RATES, ids=lambda case: case.name)
def test_a_rate_means_the_same_in_every_envelope(case: Case, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    assert ask_in_every_envelope(case, scripted, endpoint) == []
