"""What the tasks of the market take at true size, in a real worker, and what it holds in memory meanwhile.

    python -m benchmarks.market [--size true] [--charts 2000] [--rounds 1] [--json FILE]

A stand-in of DeFiLlama with 8,248 protocols and 50,000 pools (`python -m tests.standin`), the configured PostgreSQL
server (DATABASE_URL, or the benchmarks' own) and one `run_worker tasks` share this machine. Every round has a database
of its own, and every task a worker of its own, whose peak memory is that of the task. Seconds are those of the run:
from a worker's taking it out of the line until its end is stored. `again` is a second run, for which nothing has
changed. Without the pause of API_RATE_LIMIT_MS between two questions to the source, which people have there.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from benchmarks.costs import peak_of
from benchmarks.figures import Figure, add_json_option, report
from benchmarks.races import Database, new_database
from benchmarks.stand_in import ROOT
from tests.standin.defillama import DAYS, SIZES

DATABASE = "footprint_market"
PATIENCE = 1500.0
"""Seconds that one run may take."""
LOOK = 0.1
"""Seconds between two looks at a run."""
MB = 1e6
NEWEST = """
SELECT state, extract(epoch FROM finished_at - started_at)::float8,
       format('%%s new, %%s changed, %%s as before', created, changed, unchanged), error
FROM task_runs WHERE task = %s ORDER BY id DESC LIMIT 1
"""


class Step(NamedTuple):
    """A task, what its figures are called, the parameters of its run, and how much may be taken in seconds, if said."""

    task: str
    words: str
    params: Sequence[str] = ()
    seconds: float | None = None


class Took(NamedTuple):
    """`memory`: the most bytes of the worker; `note`: what the run counted."""

    seconds: float
    memory: float
    note: str


def steps_of(size: str, charts: int) -> list[Step]:
    protocols, pools = SIZES[size]
    return [
        Step("sync-chains", "sync-chains"),
        Step("sync-protocols", f"sync-protocols, {protocols:,}", seconds=20),
        Step("sync-protocols", f"sync-protocols, {protocols:,}, again"),
        Step("sync-pools", f"sync-pools, {pools:,}", seconds=60),
        Step("sync-pools", f"sync-pools, {pools:,}, again"),
        Step("map-contracts", f"map-contracts, {pools:,} pools"),
        Step("map-contracts", f"map-contracts, {pools:,} pools, again"),
        Step("create-snapshots", f"create-snapshots, {protocols + pools:,}"),
        Step("sync-historical", f"sync-historical, {charts:,} pools of {DAYS} days", (f"--param=limit={charts}",)),
        Step("cleanup-old-data", "cleanup-old-data, nothing is old"),
    ]


def manage(environment: Mapping[str, str], *arguments: str) -> None:
    """Raises RuntimeError with what the command said, where it fails."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout.decode()}{done.stderr.decode()}")


@contextmanager
def stopped(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """It is told to leave at the end."""
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def standing_in(size: str) -> Iterator[str]:
    """The base URL of a stand-in in a process of its own."""
    command = [sys.executable, "-m", "tests.standin", "--size", size]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process, stopped(process):
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def environment_of(database: Database, source: str) -> dict[str, str]:
    urls = ("DEFILLAMA_URL", "DEFILLAMA_YIELDS_URL", "DEFILLAMA_PRO_URL")
    return {
        **os.environ,
        **dict.fromkeys(urls, source),
        "DEFILLAMA_API_KEY": "a-key-of-42-letters",
        "DATABASE_URL": database.dsn,
        "API_RATE_LIMIT_MS": "0",
    }


def do(step: Step, environment: Mapping[str, str], reader: psycopg.Connection) -> Took:
    """One run by a new worker. Raises RuntimeError where it does not succeed."""
    manage(environment, "tasks", "run", step.task, *step.params)
    worker = [sys.executable, "manage.py", "run_worker", "tasks"]
    with subprocess.Popen(worker, cwd=ROOT, env=environment) as process, stopped(process):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            state, seconds, counts, error = reader.execute(NEWEST, [step.task]).fetchone() or ("gone", 0, "", "")
            if state == "succeeded":
                return Took(seconds, peak_of(process.pid), counts)
            if state not in ("queued", "running"):
                raise RuntimeError(f"{step.task} is {state}: {error}")
            time.sleep(LOOK)
    raise RuntimeError(f"{step.task} is not done after {PATIENCE:,.0f} s, or its worker has left")


def measure(size: str, charts: int, rounds: int) -> Iterator[Figure]:
    steps = steps_of(size, charts)
    took: dict[Step, list[Took]] = defaultdict(list)
    with standing_in(size) as source:
        for _ in range(rounds):
            with new_database(DATABASE) as database:
                environment = environment_of(database, source)
                manage(environment, "migrate_schemas", "--shared")
                with psycopg.connect(database.dsn, autocommit=True) as reader:
                    for step in steps:
                        took[step].append(do(step, environment, reader))
    for step, all_took in took.items():
        yield Figure(
            name=step.words,
            unit="s",
            values=[each.seconds for each in all_took],
            goal=step.seconds,
            at_most=True,
            note=all_took[0].note,
        )
        yield Figure(
            name=f"memory of the worker, {step.words}",
            unit="MB",
            values=[each.memory / MB for each in all_took],
            goal=300,
            at_most=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="What the tasks of the market take, at true size.")
    parser.add_argument("--size", choices=list(SIZES), default="true", help="of the stand-in")
    parser.add_argument("--charts", type=int, default=2000, help="pools whose history is read")
    parser.add_argument("--rounds", type=int, default=1)
    add_json_option(parser)
    options = parser.parse_args()
    report(measure(options.size, options.charts, options.rounds), options.json)


if __name__ == "__main__":
    main()
