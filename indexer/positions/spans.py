"""Stretches of blocks. Pure."""

from collections.abc import Iterable

Span = tuple[int, int]
"""First and last block, both included."""


def unite(parts: Iterable[Iterable[Span]]) -> list[Span]:
    """The blocks that any of the parts has, in order and apart."""
    united: list[Span] = []
    for first, last in sorted(span for part in parts for span in part):
        if united and first <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(last, united[-1][1]))
        else:
            united.append((first, last))
    return united
