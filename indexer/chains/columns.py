"""Tables for people at a terminal. Pure."""

from collections.abc import Sequence


def justify(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The cells of the rows, all of the same number, each as wide as the widest of its column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
