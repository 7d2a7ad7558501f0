"""`manage.py run_worker NAME` as a process of its own, with the samples, and what it stores of itself."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.processes import PATIENCE, PROJECT, database_url, environment, wait_until
from tests.workers.rows import empty

SAMPLES = "tests.workers.samples"


class BackgroundProcess:
    """Its log goes to a file. `database`: the tests', or that of a URL."""

    def __init__(
        self,
        name: str,
        *options: str,
        log: Path,
        environ: Mapping[str, str] = MappingProxyType({}),
        database: str | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.database = database or database_url()
        self.stacks = log.parent / "stacks"
        given = {"EXTRA_APPS": SAMPLES, "DATABASE_URL": self.database, "FOOTPRINT_STACKS": str(self.stacks)}
        with log.open("ab") as lines:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run_worker", name, *options],
                cwd=PROJECT,
                env=environment({}) | given | dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
            )

    def __enter__(self) -> "BackgroundProcess":
        return self

    def __exit__(self, *raised: object) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self, within: float = PATIENCE) -> int:
        """Ask it to leave; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_until_it_says(self, words: str, within: float = PATIENCE, times: int = 1) -> None:
        def said() -> bool:
            assert self.process.poll() is None, f"the worker has left:\n{self.said}"
            return self.said.count(words) >= times

        wait_until(said, within, lambda: f"{words!r} is not in\n{self.said}")

    def row(self) -> dict[str, Any]:
        """Its row in `workers`; empty where it has none."""
        found = self.ask("SELECT *, now() - beat_at AS silence FROM workers WHERE name = %s")
        return found[0] if found else {}

    def wait_for_state(self, state: str, within: float = PATIENCE, why: str = "") -> dict[str, Any]:
        """Its row as soon as it says that state, with these words in its why."""

        def is_so() -> bool:
            row = self.row()
            return bool(row) and row["said"] == state and row["pid"] == self.process.pid and why in row["why"]

        wait_until(is_so, within, lambda: f"{state!r} {why!r}, but {self.row()}\n{self.said}")
        return self.row()

    def states(self) -> list[tuple[str, str]]:
        """What it said it is, from the first state on, and why."""
        events = self.ask("SELECT state, words FROM worker_events WHERE worker = %s AND what = 'state' ORDER BY id")
        return [(event["state"], event["words"]) for event in events]

    def lines(self) -> list[str]:
        return [line["text"] for line in self.ask("SELECT text FROM worker_lines WHERE worker = %s ORDER BY id")]

    def ask(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database, row_factory=dict_row) as connection:
            return connection.execute(query, [self.name]).fetchall()


def clear_workers(database: str | None = None) -> None:
    """Nobody has worked, and no live setting was ever changed."""
    with psycopg.connect(database or database_url(), autocommit=True) as connection:
        empty(connection)
