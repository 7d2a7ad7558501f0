"""A database that goes and comes back makes nobody look hung, and another overseer of the same place stands by."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from indexer.chains.connections import Connection
from indexer.workers.states import State
from tests.positions.own_server import NAME, own_server
from tests.processes import PROJECT, environment, wait_until
from tests.workers.overseen import oversee, set_live
from tests.workers.rows import empty, look, runtime

__all__ = ["runtime"]
pytestmark = pytest.mark.slow


def test_nobody_is_blamed_for_a_database_that_was_away(chains: object, run_dir: Path) -> None:
    with own_server() as server:
        connection = psycopg.connect(server.dsn(NAME), autocommit=True)
        empty(connection)
        set_live(connection, silent_after=5.0, hung_after=5.0)
        with oversee(connection, run_dir, ["prices", "other"], database=server.dsn(NAME)) as scene:
            starts = {name: len(scene.starts(name)) for name in ("prices", "other")}
            server.stop()
            wait_until(lambda: "the database cannot be used" in scene.said, 20, lambda: scene.said)
            # Longer than silence may last.
            time.sleep(7)
            server.start()
            scene.connection = connection = psycopg.connect(server.dsn(NAME), autocommit=True)
            wait_until(lambda: scene.said.count("watching the programs of") == 2, 20, lambda: scene.said)
            # Whoever were to be blamed would be by now.
            deadline = time.monotonic() + 8
            while time.monotonic() < deadline:
                states = {scene.state(name) for name in starts}
                time.sleep(0.2)
            assert states == {State.HEALTHY}
            assert {name: len(scene.starts(name)) for name in starts} == starts
            assert scene.events("prices", "restart") == scene.events("prices", "stack") == []
            assert scene.supervisord.terminate() == 0


def test_a_second_overseer_stands_by_and_takes_over(runtime: Connection, run_dir: Path) -> None:
    with oversee(runtime, run_dir, ["prices"]):
        with (run_dir / "second.log").open("w") as log:
            second = subprocess.Popen(
                [sys.executable, "manage.py", "oversee", "--run-dir", str(run_dir)],
                cwd=PROJECT,
                env=environment({}),
                stdout=log,
                stderr=log,
            )
        try:
            said = (run_dir / "second.log").read_text
            wait_until(lambda: "another overseer watches" in said(), 20, said)
            call_command("workers", "--run-dir", str(run_dir), "stop", "overseer")
            wait_until(lambda: "watching the programs of" in said(), 20, said)
            wait_until(lambda: look(runtime)["overseer"].pid == second.pid, 10)
            assert look(runtime)["overseer"].restarts == 0
        finally:
            second.send_signal(signal.SIGTERM)
            assert second.wait(20) == 0
