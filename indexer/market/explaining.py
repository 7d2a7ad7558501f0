"""How the confidence of a pool's contracts comes, for people: every piece of evidence, and what it makes together."""

from collections.abc import Iterator, Sequence
from typing import Any

from indexer.market.models import ContractMapping, Pool
from indexer.market.score import MEANINGS, Evidence, read_evidence, score

SHOWN = 200
"""Characters of a value that are shown."""


def evidence_of(mapping: ContractMapping) -> list[Evidence]:
    """In the order in which it was found, from what is prefetched, where it is; not what a newer version has seen."""
    stored = sorted(mapping.evidence.all(), key=lambda each: each.pk)
    pieces = [read_evidence(each.kind, each.source, each.detail, each.block) for each in stored]
    return [piece for piece in pieces if piece is not None]


def explain_pool(pool: Pool, mappings: Sequence[ContractMapping]) -> Iterator[str]:
    """A line for the pool, and some for each of its contracts."""
    yield f"{pool.id}: {pool}"
    for mapping in mappings:
        yield from explain(mapping)
    if not mappings:
        yield "  no source names a contract of it"


def explain(mapping: ContractMapping) -> Iterator[str]:
    pieces = evidence_of(mapping)
    confidence, refuted, words = score(pieces)
    sign = " (refuted)" if refuted else ""
    yield f"  {mapping.namespace} {mapping.address} as its {mapping.kind}: {confidence:g}{sign}, for {words}"
    for each in pieces:
        at = f" at block {each.block:,}" if each.block is not None else ""
        yield f"    {each.kind} by {each.source}{at}: {MEANINGS[each.kind].words}"
        for name, value in each.detail.items():
            yield from show(name, value, 6)


def show(name: str, value: Any, depth: int) -> Iterator[str]:
    """A value in a line, one of many parts in several."""
    if isinstance(value, dict):
        yield f"{' ' * depth}{name}:"
        for part, of in value.items():
            yield from show(part, of, depth + 2)
        return
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    yield f"{' ' * depth}{name}: {text if len(text) <= SHOWN else text[:SHOWN] + '…'}"
