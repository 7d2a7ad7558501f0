"""One indexer's way through a made-up chain: started, watched until it has stored everything, compared, stopped."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks.costs import parent_of, peak_of, seconds_of, seconds_of_server
from benchmarks.made_chain import FIRST, Pairs
from benchmarks.stand_in import StandIn
from indexer.chains.connections import DJANGO_ONLY

LOOK = 0.05
"""Seconds between two looks at what has been stored."""
LAST_WORDS = 2_000

Command = tuple[Sequence[str], Path, Mapping[str, str]]
"""What to run, in which folder, with which whole environment."""


class Task(NamedTuple):
    """What is to be read: all Transfer logs from the first block to `last`, `logs` of them.

    Of those of `pools` (0x hex) it is `pairs` that must be found. `folder` is for files of the run, `seconds` are what
    it may take at most.
    """

    last: int
    logs: int
    pools: list[str]
    pairs: Pairs
    folder: Path
    seconds: float


class Run(NamedTuple):
    """What it took one indexer from its first question for logs until all of them were stored.

    `logs` are those of the blocks it read, kept or not; `cpu`, `database_cpu` and `node_cpu` processor seconds of the
    indexer, of the database server and of the stand-in node; `memory` the most bytes of one of its processes. Of
    the pairs that there are `missing` were not stored with their first block, and `wrong` others were.
    """

    name: str
    blocks: int
    logs: int
    seconds: float
    posts: int
    calls: int
    cpu: float
    database_cpu: float
    node_cpu: float
    memory: int
    missing: int
    wrong: int

    @property
    def equal(self) -> bool:
        return not self.missing and not self.wrong

    @property
    def rate(self) -> float:
        """Logs per second."""
        return self.logs / self.seconds


class Database(NamedTuple):
    """A database on the configured server, in the words of libpq: host (or a socket's folder), port, user, name."""

    host: str
    port: str
    user: str
    password: str
    name: str
    postmaster: int | None
    """Where the server runs on this machine: its main process."""

    @property
    def dsn(self) -> str:
        given = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        return make_conninfo(dbname=self.name, **{key: value for key, value in given.items() if value})

    @property
    def url(self) -> str:
        """As programs of JavaScript take it."""
        login = f"{self.user}:{self.password}" if self.password else self.user
        return f"postgresql://{login}@localhost:{self.port}/{self.name}?host={self.host}"


@contextmanager
def new_database(name: str, template: str = "template1") -> Iterator[Database]:
    """A database on the configured server, dropped in the end; one that was left there is dropped first.

    It begins as a copy of `template`, to which nobody may be connected.
    """
    given = {key: str(value) for key, value in connection.get_connection_params().items() if key not in DJANGO_ONLY}
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    connection.ensure_connection()
    login = {key: given[key] for key in ("host", "port", "user", "password", "dbname") if key in given}
    with psycopg.connect(**login, autocommit=True) as server:  # type: ignore[arg-type]
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        server.execute("CHECKPOINT")
        try:
            yield Database(
                login.get("host", ""),
                login.get("port", "5432"),
                login.get("user", ""),
                login.get("password", ""),
                name,
                find_postmaster(server),
            )
        finally:
            server.execute(drop)


def find_postmaster(server: psycopg.Connection) -> int | None:
    """The server's main process, where it is one of this machine."""
    pid = server.info.backend_pid
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        return parent_of(pid) if name == "postgres" else None
    except FileNotFoundError:
        return None


def race(
    name: str,
    commands: Sequence[Command],
    node: StandIn,
    database: Database,
    *,
    task: Task,
    query: str,
    is_done: Callable[[], bool] | None = None,
) -> Run:
    """Run an indexer's processes until it is done: when it says so, or (None) when all have ended well.

    `query` gives the pairs that it has stored, see `compare_pairs`. Raises RuntimeError with a process's last words
    when one fails or takes too long.
    """
    node.counts(anew=True)
    with ExitStack() as stack:
        processes = [stack.enter_context(running(command)) for command in commands]
        until = time.monotonic() + task.seconds
        before: tuple[float, float, float] | None = None
        after, memory = (0.0, 0.0, 0.0), 0
        while True:
            ended = [process.poll() is not None for process, _ in processes]
            done = all(ended) if is_done is None else is_done()
            now = time.monotonic()
            counts = node.counts()
            if counts.began is not None:
                sample = (
                    sum(seconds_of(process.pid) for process, _ in processes),
                    seconds_of_server(database.postmaster) if database.postmaster else 0.0,
                    counts.cpu,
                )
                before = before or sample
                after = (max(after[0], sample[0]), sample[1], sample[2])
                memory = max(memory, *(peak_of(process.pid) for process, _ in processes))
            for (process, log), has_ended in zip(processes, ended, strict=True):
                if process.poll() or (has_ended and is_done and not done):
                    raise RuntimeError(f"{name} ended with exit code {process.returncode}:\n{last_words(log)}")
            if done and counts.began is not None and before is not None:
                break
            if now > until:
                raise RuntimeError(f"{name} was not done within {task.seconds:g} s:\n{last_words(processes[0][1])}")
            time.sleep(LOOK)
        used = [end - begin for end, begin in zip(after, before, strict=True)]
        missing, wrong = compare_pairs(database, query, task.pairs)
        return Run(
            name=name,
            blocks=task.last - FIRST + 1,
            logs=task.logs,
            seconds=now - counts.began,
            posts=counts.posts,
            calls=counts.calls,
            cpu=used[0],
            database_cpu=used[1],
            node_cpu=used[2],
            memory=memory,
            missing=missing,
            wrong=wrong,
        )


@contextmanager
def running(command: Command) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A process and its log; it is ended with the block."""
    arguments, folder, environment = command
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            arguments, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield process, log
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def last_words(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-LAST_WORDS:].decode(errors="replace")


def compare_pairs(database: Database, query: str, pairs: Pairs) -> tuple[int, int]:
    """How many of these pairs a query for address, pool (20 bytes each) and block does not give, and how many others.

    A pair with another block is both.
    """
    with psycopg.connect(database.dsn) as reader, reader.cursor(binary=True) as cursor:
        stored = set(cursor.execute(query.encode()).fetchall())
    there = pairs.as_set()
    return len(there - stored), len(stored - there)
