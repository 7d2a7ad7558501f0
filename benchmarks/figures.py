"""What a benchmark measures, in the form in which `benchmarks/run.py` collects it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure: `values` of its rounds, in `unit`.

    `floor` must be met and `goal` is reached for, both in the same unit; None where there is none. `at_most`: less is
    better. `note` says what bounds it, or what else a reader must know. `series` and `x` place it on a plot.
    """

    name: str
    unit: str
    values: list[float]
    floor: float | None = None
    goal: float | None = None
    at_most: bool = False
    note: str = ""
    series: str = ""
    x: float | None = None

    @property
    def value(self) -> float:
        return median(self.values)

    def meets(self, bound: float | None) -> bool | None:
        """Whether the median is as good as a bound; None where there is none."""
        if bound is None:
            return None
        return self.value <= bound if self.at_most else self.value >= bound


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well, as a JSON array")


def report(figures: Iterable[Figure], file: Path | None) -> None:
    """Print figures, one a line, and write them to a file where one is given."""
    found = list(figures)
    for figure in found:
        spread = f" ({min(figure.values):,.4g} to {max(figure.values):,.4g})" if len(figure.values) > 1 else ""
        bounds = [f"{word} {bound:,.4g}" for word, bound in (("floor", figure.floor), ("goal", figure.goal)) if bound]
        print(f"{figure.name:<60} {figure.value:>12,.4g} {figure.unit}{spread}  {', '.join(bounds)}", flush=True)
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
