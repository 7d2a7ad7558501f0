"""What benchmarks/RESULTS.md says: the table of targets with what was measured, every figure, and the plots. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from benchmarks.figures import Figure
from benchmarks.plots import Line, draw


class Measured(msgspec.Struct, kw_only=True):
    """The figures of one benchmark, or why there are none: when, where, by which versions, and how it was called."""

    figures: list[Figure]
    module: str
    when: str
    machine: str
    versions: str
    arguments: list[str]
    seconds: float
    failed: str = ""


class Target(NamedTuple):
    """A line of the table. `figure` is a pattern of the name of what is measured for it, in `benchmark`."""

    what: str
    unit: str
    floor: float | None
    goal: float
    at_most: bool
    benchmark: str
    figure: str


TARGETS = (
    Target(
        "backfill against Ponder 0.10, limiter opened",
        "x",
        20,
        50,
        False,
        "backfill",
        r"claimed.* against Ponder 0\.10",
    ),
    Target("backfill against Subsquid, RPC only", "x", 4, 8, False, "backfill", r"claimed.* against Subsquid"),
    Target(
        "backfill against web3.py and bulk_create", "x", 30, 60, False, "backfill", r"claimed.* against web3\.py \+"
    ),
    Target(
        "RPC requests per block, ranges", "per block", 0.02, 0.005, True, "backfill", r"requests, footprint, claimed"
    ),
    Target(
        "backfill, 5% new, two processes, share of one core's decode rate",
        *("x", 0.25, 0.5, False, "shares"),
        r"claimed, 2 processes, 5% new, of the decode rate",
    ),
    Target("head, a block of 300 logs, bloom", "ms", 25, 10, True, "head", r"head block, bloom,"),
    Target("head, a block of 300 logs, proved", "ms", 100, 60, True, "head", r"head block, proved,"),
    Target("head capacity at bloom, 50 logs", "blocks/s", 100, 400, False, "head", r"head capacity.*bloom"),
    Target("lookup over 10 chains, one core, p50", "ms", 4, 1.5, True, "lookups", r"^lookup, one core, p50"),
    Target("lookup over 10 chains, one core, p99", "ms", 20, 6, True, "lookups", r"^lookup, one core, p99"),
    Target("lookups on two cores", "requests/s", None, 2_000, False, "lookups", r"^lookups, two cores"),
    Target(
        "batch of 1,000 addresses, 10 chains",
        "addresses/s",
        20_000,
        100_000,
        False,
        "lookups",
        r"^batch, 10 chains, two",
    ),
    Target(
        "batch of 1,000 addresses, one chain",
        "addresses/s",
        20_000,
        100_000,
        False,
        "lookups",
        r"^batch, one chain, two",
    ),
    Target(
        "bytes per stored pair, indexes rebuilt", "B", 125, 100, True, "storage", r"bytes per pair.*rebuild_indexes"
    ),
    Target("the same between two rebuilds", "B", None, 100, True, "storage", r"bytes per pair.*as they fall"),
    Target(
        "insert rate into 100 million rows",
        "rows/s",
        20_000,
        100_000,
        False,
        "storage",
        r"1,000,000 pairs, 100% new, into 100",
    ),
    Target(
        "memory of a chain worker, full speed", "MB", 300, 150, True, "backfill", r"memory, footprint, claimed, 1 p"
    ),
    Target("start of a worker until its first block", "s", 3, 1, True, "startup", r"^start to first block$"),
    Target("import of the 23,829 watch entries", "s", 10, 2, True, "startup", r"^import, the command$"),
    Target("sync-protocols, 8,248 protocols", "s", None, 20, True, "market", r"^sync-protocols, 8,248$"),
    Target("sync-pools, 50,000 pools", "s", None, 60, True, "market", r"^sync-pools, 50,000$"),
    Target("memory of a worker of the market's tasks", "MB", None, 300, True, "market", r"^memory of the worker"),
)


class Plot(NamedTuple):
    """A chart of the figures of a benchmark whose series match a pattern."""

    file: str
    title: str
    x_title: str
    y_title: str
    benchmark: str
    series: str
    log_y: bool = False
    log_x: bool = True


PLOTS = (
    Plot("backfill", "Backfill, by new pairs to a log", "share of new pairs", "logs/s", "shares", r".", log_x=False),
    Plot("latency", "Backfill, by the node's latency", "ms", "logs/s", "latency", r".", log_x=False),
    Plot("inserts", "Pairs stored, by rows there are", "rows", "pairs/s", "storage", r"pairs"),
    Plot("lookups", "Lookups, by rows there are", "rows", "ms", "lookups", r"p50|p99", log_y=True),
    Plot("jobs", "Work on a block, by jobs", "jobs", "ms", "jobs", r"^(block|match|idle)$", log_y=True),
)


def plots_of(results: Mapping[str, Measured]) -> dict[str, str]:
    """The charts for which there are figures: SVG by file name."""
    found: dict[str, str] = {}
    for plot in PLOTS:
        series: dict[str, list[tuple[float, float]]] = {}
        for figure in results[plot.benchmark].figures if plot.benchmark in results else ():
            if figure.x is not None and re.search(plot.series, figure.series):
                series.setdefault(figure.series, []).append((figure.x, figure.value))
        lines = [Line(name, points) for name, points in series.items() if len(points) > 1]
        if lines:
            found[f"{plot.file}.svg"] = draw(
                plot.title, plot.x_title, plot.y_title, lines, log_x=plot.log_x, log_y=plot.log_y
            )
    return found


def write(results: Mapping[str, Measured], plots: Iterable[str]) -> str:
    """The whole file, in Markdown."""
    lines = [
        "# Results",
        "",
        "Made by `python -m benchmarks.run`, never by hand. Medians, and the lowest and highest of several rounds.",
        "",
        "## Targets",
        "",
        "| what | floor | goal | measured | | what bounds it |",
        "|---|---:|---:|---:|---|---|",
        *(line_of(target, results) for target in TARGETS),
        "",
    ]
    for name in plots:
        lines += [f"![{name.removesuffix('.svg')}](plots/{name})", ""]
    for name, measured in sorted(results.items()):
        lines += [f"## {name}", "", *described(measured), ""]
    return "\n".join(lines)


def measure_of(target: Target, results: Mapping[str, Measured]) -> Figure | None:
    """What was measured for it; of several figures that match, the worst counts."""
    measured = results.get(target.benchmark)
    figures = [each for each in measured.figures if re.search(target.figure, each.name)] if measured else []
    return (max if target.at_most else min)(figures, key=lambda figure: figure.value) if figures else None


def line_of(target: Target, results: Mapping[str, Measured]) -> str:
    floor = "" if target.floor is None else number(target.floor)
    bounds = f"{floor} | {number(target.goal)} {target.unit}"
    worst = measure_of(target, results)
    if worst is None:
        return f"| {target.what} | {bounds} | | not measured | |"
    judged = msgspec.structs.replace(worst, floor=target.floor, goal=target.goal, at_most=target.at_most)
    steps = ((target.goal, "goal reached"), (target.floor, "floor met"))
    otherwise = "below the goal" if target.floor is None else "**missed**"
    said = next((words for bound, words in steps if judged.meets(bound)), otherwise)
    return f"| {target.what} | {bounds} | {number(worst.value)} | {said} | {cell(worst.note)} |"


def described(measured: Measured) -> list[str]:
    command = " ".join(["python -m", f"benchmarks.{measured.module}", *measured.arguments])
    lines = [f"`{command}`, {measured.when}, {measured.seconds:,.0f} s. {measured.machine}. {measured.versions}."]
    if measured.failed:
        lines += ["", f"**Failed**: {measured.failed}"]
    if measured.figures:
        lines += ["", "| figure | median | lowest to highest | floor | goal | note |", "|---|---:|---:|---:|---:|---|"]
    lines += [row_of(figure) for figure in measured.figures]
    return lines


def row_of(figure: Figure) -> str:
    spread = f"{number(min(figure.values))} to {number(max(figure.values))}" if len(figure.values) > 1 else ""
    floor, goal = ("" if bound is None else number(bound) for bound in (figure.floor, figure.goal))
    value = f"{number(figure.value)} {figure.unit}"
    return f"| {cell(figure.name)} | {value} | {spread} | {floor} | {goal} | {cell(figure.note)} |"


def number(value: float) -> str:
    """Four digits: 1.234, 12.3, 1,234,567."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


def find_value(results: Mapping[str, Measured], benchmark: str, pattern: str) -> Sequence[float]:
    """The medians of a benchmark's figures whose names match."""
    measured = results.get(benchmark)
    return [each.value for each in measured.figures if re.search(pattern, each.name)] if measured else []
