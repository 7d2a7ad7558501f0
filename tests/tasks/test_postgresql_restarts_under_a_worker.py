"""PostgreSQL restarts while a worker has runs in hand: they go on, are counted once, and lose no attempt by it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from indexer.embedded.postgres import EmbeddedPostgres
from tests.positions.own_server import NAME, own_server
from tests.processes import PROJECT, environment, wait_until
from tests.tasks.conftest import QUEUE, SAMPLES, TABLES
from tests.tasks.test_workers import notes
from tests.workers.background_process import BackgroundProcess, clear_workers

pytestmark = pytest.mark.slow
OFTEN = """
INSERT INTO task_schedules (name, task, params, cron, every, priority, missed, paused)
VALUES ('often', 'stumble', '{"times": 0}', '', 1, 10, 'run once', false)
"""


class Elsewhere:
    """Tasks in a database of their own, which restarts."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.url = server.dsn(NAME)

    def ask(self, query: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def enqueue(self, name: str, **params: object) -> int:
        given = [f"--param={key}={value}" for key, value in params.items()]
        environ = environment({}) | {"DATABASE_URL": self.url, "EXTRA_APPS": SAMPLES}
        command = [sys.executable, "manage.py", "tasks", "run", name, *given]
        subprocess.run(command, cwd=PROJECT, env=environ, check=True, capture_output=True, timeout=60)
        return int(self.ask("SELECT max(id) AS id FROM task_runs WHERE task = %s", name)[0]["id"])

    def run(self, run: int) -> dict[str, Any]:
        return self.ask("SELECT * FROM task_runs WHERE id = %s", run)[0]

    def finish(self, run: int) -> dict[str, Any]:
        wait_until(lambda: self.run(run)["finished_at"] is not None, 90, lambda: str(self.run(run)))
        return self.run(run)


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[EmbeddedPostgres]:
    with own_server() as server:
        yield server


@pytest.fixture
def elsewhere(server: EmbeddedPostgres) -> Elsewhere:
    server.start()
    elsewhere = Elsewhere(server)
    for table in (*TABLES, *QUEUE):
        elsewhere.ask(f"DELETE FROM {table}")
    clear_workers(elsewhere.url)
    return elsewhere


# At once; while the end of a run is still tried to be stored; for longer than a worker may be silent.
@pytest.mark.parametrize(("away", "takeovers"), [(0, 0), (5, 0), (20, 1)])
def test_runs_in_hand_go_on(elsewhere: Elsewhere, tmp_path: Path, away: float, takeovers: int) -> None:
    counted, done = tmp_path / "counted", tmp_path / "done"
    counting = elsewhere.enqueue("count-up", steps=60, pause=0.1, file=counted)
    filling = elsewhere.enqueue("pieces", count=40, pause=0.1, file=done)
    elsewhere.ask(OFTEN)
    environ = {"EXTRA_APPS": SAMPLES}
    with BackgroundProcess("tasks", log=tmp_path / "worker.log", environ=environ, database=elsewhere.url) as worker:
        wait_until(lambda: "step 5" in notes(counted) and "piece-5" in notes(done), 60, lambda: worker.said)
        elsewhere.server.stop()
        time.sleep(away)
        elsewhere.server.start()
        runs = [elsewhere.finish(run) for run in (counting, filling)]
        # Neither of them was to blame, and the second has one attempt only.
        assert [(run["state"], run["attempt"], run["error"]) for run in runs] == [("succeeded", 1, "")] * 2
        assert [run["takeovers"] for run in runs] == [takeovers] * 2
        assert (runs[0]["done"], runs[1]["created"]) == (60, 400)
        last = elsewhere.ask("SELECT max(id) AS id FROM task_runs")[0]["id"]
        # Schedules are kept again.
        wait_until(lambda: bool(elsewhere.ask("SELECT 1 FROM task_runs WHERE id > %s AND state = 'succeeded'", last)))
        elsewhere.ask("UPDATE task_schedules SET paused = true")
        wait_until(lambda: not elsewhere.ask("SELECT 1 FROM task_runs WHERE finished_at IS NULL"))
        wait_until(lambda: not elsewhere.ask("SELECT 1 FROM procrastinate_jobs"))
        assert worker.terminate(20) == 0
    steps = [int(note.split()[1]) for note in notes(counted) if note.startswith("step")]
    assert steps == sorted(set(steps))  # never two at once, and none twice
    assert len(steps) >= 59  # the note of the step whose transaction was just being committed may be missing
    assert notes(counted)[-1] == "end"
    assert len(notes(done)) <= 41  # the piece in hand is done again
    assert elsewhere.ask("SELECT DISTINCT state FROM task_partitions") == [{"state": "complete"}]
    often = elsewhere.ask("SELECT * FROM task_runs WHERE schedule_id IS NOT NULL ORDER BY started_at")
    assert {(run["state"], run["attempt"]) for run in often} == {("succeeded", 1)}
    assert all(first["finished_at"] <= second["started_at"] for first, second in pairwise(often))
    assert [state for state, _ in worker.states()] == ["starting", "healthy", "stopped"]
    assert "its run failed" not in worker.said


def test_what_a_run_said_before_is_kept(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run = elsewhere.enqueue("count-up", steps=20, pause=0.1, file=tmp_path / "counted")
    environ = {"EXTRA_APPS": SAMPLES}
    with BackgroundProcess("tasks", log=tmp_path / "worker.log", environ=environ, database=elsewhere.url) as worker:
        wait_until(lambda: "step 5" in notes(tmp_path / "counted"), 60, lambda: worker.said)
        elsewhere.server.stop()
        elsewhere.server.start()
        assert elsewhere.finish(run)["state"] == "succeeded"
    said = [line["text"] for line in elsewhere.ask("SELECT text FROM task_lines WHERE run_id = %s ORDER BY id", run)]
    assert said[0] == said[-1] == "attempt 1 of 2"
    assert said[1].startswith("the database was away: ")
