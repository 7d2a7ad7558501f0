"""The project's own commands as real processes on the test database: `manage.py …` and the web server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from django.db import connections
from psycopg.conninfo import make_conninfo

from indexer.chains.connections import DJANGO_ONLY

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
"""Seconds after which what should have happened long ago counts as never happening."""


def database_url() -> str:
    """Where pytest's test database is, as DATABASE_URL takes it."""
    given = connections["default"].get_connection_params()
    return make_conninfo(**{key: value for key, value in given.items() if key not in DJANGO_ONLY})


def environment(urls: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the test database and with these RPC URLs (by chain) only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RPC_URLS")}
    named = {f"RPC_URLS_{slug.upper()}": url for slug, url in urls.items()}
    return (
        kept
        | named
        | {"DATABASE_URL": database_url(), "LOG_LEVEL": "INFO", "DJANGO_SETTINGS_MODULE": "config.settings"}
    )


def manage(*arguments: object, urls: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; stdout and stderr are kept."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=PROJECT,
        env=environment(urls or {}),
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def run(*arguments: object, urls: Mapping[str, str] | None = None) -> str:
    """The same, and it must succeed; what it printed."""
    done = manage(*arguments, urls=urls)
    assert done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class ChainWorker:
    """`manage.py run_chain_worker` as a process of its own, whose log goes to a file."""

    def __init__(
        self, slug: str, *options: str, url: str = "", log: Path, file: Path | None = None, database: str | None = None
    ) -> None:
        """Its endpoint is `url`, or what RPC_URLS_FILE `file` says; its database the tests', or that of a URL."""
        self.log = log
        with log.open("ab") as lines:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run_chain_worker", slug, *options],
                cwd=PROJECT,
                env=environment({slug: url})
                | ({"RPC_URLS_FILE": str(file)} if file else {})
                | ({"DATABASE_URL": database} if database else {}),
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
            )

    def __enter__(self) -> "ChainWorker":
        return self

    def __exit__(self, *raised: object) -> None:
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self, within: float = PATIENCE) -> int:
        """Ask it to leave; its exit code. Raises TimeoutExpired when it takes longer."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def wait(self, within: float = PATIENCE) -> int:
        """Its exit code when it has left by itself."""
        return self.process.wait(within)

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def metrics_url(self) -> str:
        """Where a worker started with --metrics-port says that its metrics are."""
        self.wait_until_it_says("metrics are served on ")
        return self.said.partition("metrics are served on ")[2].split()[0]

    def wait_until_it_says(self, words: str, within: float = PATIENCE) -> None:
        def said() -> bool:
            assert self.process.poll() is None, f"the worker has left:\n{self.said}"
            return words in self.said

        wait_until(said, within, lambda: f"{words!r} is not in\n{self.said}")


def wait_until(true: Callable[[], bool], within: float = PATIENCE, what: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not within {within} s: {what()}"
        time.sleep(0.02)


@contextmanager
def web_address(log: Path, environ: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """The project's web server with further settings, once it answers; yields its address, http://…."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    settings = {"WEB_BIND": f"127.0.0.1:{port}", "WEB_PROCESSES": "1", "WEB_THREADS": "2"}
    with log.open("wb") as lines:
        server = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment({}) | settings | dict(environ),
            stdout=lines,
            stderr=lines,
        )
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            read_page(address + "/")
        except URLError:
            return False
        return True

    try:
        wait_until(answers, what=log.read_text)
        yield address
    finally:
        server.terminate()
        server.wait(PATIENCE)


@contextmanager
def web_server(log: Path) -> Iterator[Callable[[str], Any]]:
    """The same; yields what asks it for a path's JSON."""
    with web_address(log) as address:
        yield lambda path: json.loads(read_page(address + path))


def read_page(url: str) -> str:
    with urlopen(url, timeout=PATIENCE) as response:
        text: str = response.read().decode()
        return text


def backends(connection: psycopg.Connection[Any], slug: str) -> list[int]:
    """Process ids of the server's backends that serve the loops of a chain's workers in this database."""
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s ORDER BY pid",
        [f"footprint {slug}"],
    )
    return [pid for (pid,) in rows]


def waiting_backends(connection: psycopg.Connection[Any], slug: str) -> list[int]:
    """Those of them that wait for a lock; asked outside of a transaction, which would see one moment only."""
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s) AND wait_event_type = 'Lock'",
        [backends(connection, slug)],
    )
    return [pid for (pid,) in rows]
