"""How the confidence of a pool's contracts comes, for people: every piece of evidence, and what it makes together."""

from collections.abc import Iterator, Sequence
from typing import Any

from indexer.market.answers.mappings import Mapping
from indexer.market.models import Pool

SHOWN = 200
"""Characters of a value that are shown."""


def explain_pool(pool: Pool, mappings: Sequence[Mapping]) -> Iterator[str]:
    """A line for the pool, and some for each of its contracts."""
    yield f"{pool.id}: {pool}"
    for mapping in mappings:
        yield from explain(mapping)
    if not mappings:
        yield "  no source names a contract of it"


def explain(mapping: Mapping) -> Iterator[str]:
    sure = f"{mapping.confidence:g}" + (" (refuted)" if mapping.refuted else "")
    yield f"  {mapping.namespace} {mapping.address} as its {mapping.kind}: {sure}, for {mapping.words}"
    for each in mapping.evidence:
        at = f" at block {each.block:,}" if each.block is not None else ""
        yield f"    {each.kind} by {each.source}{at}: {each.words or 'it counts for nothing in this version'}"
        for name, value in each.detail.items():
            yield from show(name, value, 6)


def show(name: str, value: Any, depth: int, most: int = SHOWN) -> Iterator[str]:
    """A value in a line, one of many parts in several; `most` characters of each part."""
    if isinstance(value, dict):
        yield f"{' ' * depth}{name}:"
        for part, of in value.items():
            yield from show(part, of, depth + 2, most)
        return
    if value is None or isinstance(value, bool):
        value = {True: "yes", False: "no", None: "none"}[value]
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    yield f"{' ' * depth}{name}: {text if len(text) <= most else text[:most] + '…'}"
