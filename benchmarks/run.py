"""All benchmarks, one after the other, and what they found: RESULTS.md, results.json and plots in this folder.

    FOOTPRINT_SHARED=folder python -m benchmarks.run [--only NAME …] [--peers] [--quick] [--into FOLDER]

Each runs as a process of its own with --json. `--only` runs these and keeps what was measured of the others before.
`--peers` compares with other indexers, which are then installed. `--quick` takes small sizes, which prove that all
benchmarks run and whose figures mean nothing: it needs `--into`. docs/scale.md is made anew where no other folder is
named. An hour; the exit code is 1 when one has failed.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec
from django.db import connection

from benchmarks.figures import Figure
from benchmarks.results import Measured, plots_of, write
from benchmarks.scale import refresh

HERE = Path(__file__).resolve().parent
LIMIT = 1800.0
"""Seconds after which a benchmark is given up."""
PROVIDER = ("--logs-per-block", "25", "--max-logs", "10000", "--max-blocks", "2000")
"""A chain such as Ethereum before 2020, behind an endpoint such as users have."""


class Benchmark(NamedTuple):
    """A module of this package, its arguments, and those with which it runs in small."""

    module: str
    arguments: Sequence[str]
    quick: Sequence[str]


BENCHMARKS: Mapping[str, Benchmark] = {
    "backfill": Benchmark(
        "backfill",
        ["--blocks", "100000", *PROVIDER, "--peer-blocks", "4000", "--level", "claimed", "agreed"],
        ["--rounds", "1", "--blocks", "1000", "--processes", "2"],
    ),
    "shares": Benchmark(
        "backfill",
        ["--blocks", "200000", *PROVIDER, "--rounds", "3", "--new-shares", "0.02", "0.05", "0.1", "0.25", "0.5"],
        ["--rounds", "1", "--blocks", "1000", "--processes", "1", "--new-shares", "0.05"],
    ),
    "latency": Benchmark(
        "backfill",
        ["--blocks", "50000", *PROVIDER, "--rounds", "2", "--latencies", "0", "50", "200"],
        ["--rounds", "1", "--blocks", "1000", "--processes", "1", "--latencies", "5"],
    ),
    "head": Benchmark("head", [], ["--rounds", "1"]),
    "jobs": Benchmark("jobs", [], ["--sizes", "10,1000"]),
    "lookups": Benchmark(
        "lookups",
        ["--rows", "1000000", "10000000", "100000000"],
        ["--chains", "2", "--rows", "20000", "--seconds", "0.3", "--rounds", "1"],
    ),
    "market": Benchmark("market", [], ["--size", "small", "--charts", "10"]),
    "startup": Benchmark("startup", ["--rounds", "3"], ["--jobs", "100", "--rounds", "1"]),
    "storage": Benchmark("storage", [], ["--sizes", "0", "--pairs", "1", "--rounds", "1"]),
}


def describe_machine() -> str:
    """The processor, its cores, the memory, and what the machine has to do before anything is measured."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return f"{model or platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, load {load:.1f} at the start"


def describe_versions() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "msgspec", "psycopg"))
    return f"Python {platform.python_version()}, PostgreSQL {postgres}, {packages}"


def run(module: str, arguments: list[str]) -> Measured:
    """One benchmark's figures; what it prints is seen meanwhile."""
    machine, versions = describe_machine(), describe_versions()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments, "--json", str(file)]
        try:
            code = subprocess.run(command, cwd=HERE.parent, timeout=LIMIT, check=False).returncode
            failed = f"exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            failed = f"not done after {LIMIT:,.0f} s"
        figures = msgspec.json.decode(file.read_bytes(), type=list[Figure]) if file.exists() else []
    return Measured(
        figures=figures,
        when=datetime.now(UTC).date().isoformat(),
        machine=machine,
        versions=versions,
        module=module,
        arguments=arguments,
        seconds=time.monotonic() - began,
        failed=failed,
    )


def read(folder: Path) -> dict[str, Measured]:
    """What was measured before."""
    file = folder / "results.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Measured]) if file.exists() else {}


def keep(folder: Path, results: Mapping[str, Measured]) -> None:
    plots = plots_of(results)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for name, text in plots.items():
        (folder / "plots" / name).write_text(text)
    (folder / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results, order="sorted")) + b"\n")
    (folder / "RESULTS.md").write_text(write(results, plots))


def main() -> None:
    parser = argparse.ArgumentParser(description="Run all benchmarks and write down what they found.")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), default=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--peers", action="store_true", help="compare with other indexers")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all run")
    parser.add_argument("--into", type=Path, default=HERE, metavar="FOLDER", help="where to write")
    options = parser.parse_args()
    if options.quick and options.into == HERE:
        parser.error("--quick measures nothing that should be kept: name another folder --into")
    results = read(options.into)
    for name in options.only:
        print(f"{name}:", flush=True)
        peers = ["--peers"] if options.peers and name == "backfill" else []
        benchmark = BENCHMARKS[name]
        results[name] = run(benchmark.module, [*(benchmark.quick if options.quick else benchmark.arguments), *peers])
        keep(options.into, results)
    if options.into == HERE:
        refresh(results)
    sys.exit(any(results[name].failed for name in options.only))


if __name__ == "__main__":
    main()
