"""A confidence is what the evidence says, and nothing else."""

from itertools import permutations

import pytest

from indexer.market.score import Evidence, EvidenceKind, score

IDENTITY = Evidence(EvidenceKind.IDENTITY, "chain")
CONTRADICTION = Evidence(EvidenceKind.CONTRADICTION, "chain")
KEY = Evidence(EvidenceKind.KEY, "pool id")
PAID = Evidence(EvidenceKind.NAMED, "defillama-pro")
OTHER = Evidence(EvidenceKind.NAMED, "elsewhere")
ALCHEMY = Evidence(EvidenceKind.SYMBOL, "alchemy")
MORALIS = Evidence(EvidenceKind.SYMBOL, "moralis")
URL = Evidence(EvidenceKind.URL, "defillama")
META = Evidence(EvidenceKind.META, "defillama")
FACTORY = Evidence(EvidenceKind.FACTORY, "own logs")
UNDERLYING = Evidence(EvidenceKind.UNDERLYING, "defillama")


@pytest.mark.parametrize(
    ("evidence", "confidence"),
    [
        ([], 0.0),
        ([UNDERLYING], 0.2),
        ([URL], 0.4),
        # Two fields of one source are no second opinion.
        ([URL, META], 0.4),
        ([PAID], 0.6),
        ([PAID, URL], 0.6),
        ([PAID, OTHER], 0.8),
        ([URL, ALCHEMY], 0.6),
        ([PAID, ALCHEMY], 0.8),
        # Both know only what the token says of itself.
        ([URL, ALCHEMY, MORALIS], 0.6),
        ([PAID, ALCHEMY, MORALIS], 0.8),
        ([FACTORY], 0.6),
        # Whoever wrote the URL knew nothing of our logs.
        ([FACTORY, URL], 0.8),
        ([FACTORY, URL, META], 0.8),
        ([FACTORY, PAID], 0.8),
        ([FACTORY, ALCHEMY], 0.8),
        ([FACTORY, UNDERLYING], 0.6),
        ([KEY], 0.8),
        ([KEY, PAID, URL], 0.8),
        ([URL, IDENTITY], 1.0),
        ([PAID, OTHER, KEY, IDENTITY], 1.0),
    ],
)
def test_the_ladder(evidence: list[Evidence], confidence: float) -> None:
    for order in permutations(evidence):
        found = score(order)
        assert (found.confidence, found.refuted) == (confidence, False)
        assert found.words


@pytest.mark.parametrize("others", [[], [URL], [PAID, OTHER], [KEY], [IDENTITY]])
def test_what_the_chain_contradicts_is_a_guess_at_most(others: list[Evidence]) -> None:
    found = score([*others, CONTRADICTION])
    assert found.refuted
    assert found.confidence == (0.2 if others else 0.0)
    assert "contradicts" in found.words
