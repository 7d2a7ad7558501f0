"""What pages say of speed: what a year of a chain takes, in docs/scale.md, and the figures that README.md quotes.

    python -m benchmarks.scale

It fills both between their marks from results.json; `benchmarks.run` does so, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.results import TARGETS, Measured, find_value, measure_of, number

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "scale.md"
README = HERE.parent / "README.md"
MARK = re.compile(r"(<!-- (\w+): computed -->\n).*?(<!-- end -->)", re.DOTALL)
DAYS = 365
LOGS_CAP, BLOCKS_CAP = 10_000, 2_000
"""Of one answer, at common providers."""
REQUESTS_PER_RANGE = 2
"""The logs of a range, and the headers of both its ends in one batch."""
NEW_SHARE = 0.10
"""Of the logs that match, those whose pair of address and pool is new. In a chain's first weeks it is far higher."""
MATCH_SHARE = 0.5
"""Of the logs that come, those of watched pools."""
NOT_MEASURED = "not measured yet"
QUOTED = ("backfill against", "RPC requests", "head, a block of 300 logs", "lookup over", "batch", "start of a worker")
"""Beginnings of the targets that README.md quotes."""


class Load(NamedTuple):
    """What a chain brings: blocks a day, and logs of the watched topics in a block, as nodes send them."""

    name: str
    blocks_per_day: int
    logs_per_block: float


LOADS = (Load("Ethereum", 7_146, 212), Load("Base", 43_200, 230), Load("Arbitrum", 320_278, 6.9))


class Machine(NamedTuple):
    """What was measured; None where it was not."""

    logs_per_second: float | None
    logs_per_second_two: float | None
    bytes_per_pair: float | None
    worker_megabytes: float | None
    head_blocks_per_second: float | None


class Year(NamedTuple):
    """`hours` of one process and of two."""

    blocks: int
    logs: float
    requests: float
    pairs: float
    gigabytes: float | None
    hours: float | None
    hours_two: float | None


def machine_of(results: Mapping[str, Measured]) -> Machine:
    def median(benchmark: str, pattern: str) -> float | None:
        values: Sequence[float] = find_value(results, benchmark, pattern)
        return values[0] if values else None

    return Machine(
        logs_per_second=median("shares", r"^backfill, footprint, claimed, 1 process, 5% new$"),
        logs_per_second_two=median("shares", r"^backfill, footprint, claimed, 2 processes, 5% new$"),
        bytes_per_pair=median("storage", r"^bytes per pair.*as they fall"),
        worker_megabytes=median("backfill", r"^memory, footprint, claimed, 1 process"),
        head_blocks_per_second=median("head", r"^head capacity.*bloom"),
    )


def year_of(load: Load, machine: Machine) -> Year:
    """A year of a chain on one machine."""
    blocks = load.blocks_per_day * DAYS
    logs = blocks * load.logs_per_block
    pairs = logs * MATCH_SHARE * NEW_SHARE

    def hours(rate: float | None) -> float | None:
        return logs / rate / 3600 if rate else None

    return Year(
        blocks=blocks,
        logs=logs,
        requests=REQUESTS_PER_RANGE * max(logs / LOGS_CAP, blocks / BLOCKS_CAP),
        pairs=pairs,
        gigabytes=pairs * machine.bytes_per_pair / 1e9 if machine.bytes_per_pair else None,
        hours=hours(machine.logs_per_second),
        hours_two=hours(machine.logs_per_second_two),
    )


def show_past(machine: Machine) -> str:
    lines = [
        "| a year of | blocks | logs | requests | hours, one process | two | new pairs | disk |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for load in LOADS:
        year = year_of(load, machine)
        lines.append(
            f"| {load.name} | {millions(year.blocks)} | {millions(year.logs)} | {year.requests:,.0f} "
            f"| {say(year.hours, 'h')} | {say(year.hours_two, 'h')} | {millions(year.pairs)} "
            f"| {say(year.gigabytes, 'GB')} |"
        )
    return "\n".join(lines)


def show_head(machine: Machine) -> str:
    lines = ["| chain | blocks a second | share of one process at the head |", "|---|---:|---:|"]
    for load in LOADS:
        rate = load.blocks_per_day / 86_400
        capacity = machine.head_blocks_per_second
        share = f"{rate / capacity:.1%}" if capacity else NOT_MEASURED
        lines.append(f"| {load.name} | {rate:.2f} | {share} |")
    return "\n".join(lines)


def show_memory(machine: Machine) -> str:
    return f"Memory of a worker with 20,000 jobs while it reads the past: {say(machine.worker_megabytes, 'MB')}."


def show_figures(results: Mapping[str, Measured]) -> str:
    lines = ["| | measured |", "|---|---:|"]
    for target in TARGETS:
        if target.what.startswith(QUOTED):
            figure = measure_of(target, results)
            lines.append(
                f"| {target.what} | {NOT_MEASURED if figure is None else number(figure.value)} {target.unit} |"
            )
    return "\n".join(lines)


def millions(value: float) -> str:
    return f"{value / 1e6:,.1f} M"


def say(value: float | None, unit: str) -> str:
    return NOT_MEASURED if value is None else f"{value:,.1f} {unit}"


def fill(page: str, results: Mapping[str, Measured]) -> str:
    """The page with what stands between its marks computed anew. Raises KeyError for a mark that nobody knows."""
    machine = machine_of(results)
    parts = {
        "past": show_past(machine),
        "head": show_head(machine),
        "memory": show_memory(machine),
        "figures": show_figures(results),
    }
    return MARK.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n\n{found[3]}", page)


def refresh(results: Mapping[str, Measured]) -> None:
    for page in (PAGE, README):
        page.write_text(fill(page.read_text(), results))


def main() -> None:
    file = HERE / "results.json"
    refresh(msgspec.json.decode(file.read_bytes(), type=dict[str, Measured]) if file.exists() else {})


if __name__ == "__main__":
    main()
