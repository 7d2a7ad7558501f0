"""`manage.py workers logs`: the newest lines, those that come, and supervisord's file while the database is away."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from indexer.chains.connections import Connection
from indexer.workers.programs import Program
from tests.processes import PATIENCE, PROJECT, environment, wait_until
from tests.workers.overseen import supervise
from tests.workers.rows import runtime, tell

__all__ = ["runtime"]

AWAY = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
SPEAKS = """
import time
for number in range(5):
    print(f"line {number}", flush=True)
time.sleep(3600)
"""


def log(connection: Connection, *texts: str, worker: str = "prices") -> None:
    for text in texts:
        connection.execute(
            "INSERT INTO public.worker_lines (worker, at, level, logger, text) VALUES (%s, now(), 'INFO', 'a', %s)",
            [worker, text],
        )


def said(lines: str) -> list[str]:
    return [line.rpartition(" INFO a: ")[2] for line in lines.splitlines()]


def has_said(out: Path, lines: list[str]) -> bool:
    return said(out.read_text()) == lines


@contextmanager
def follow(run_dir: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`workers logs prices -f`, and the file of what it prints."""
    out = run_dir / "followed"
    # Tests that a shell has put into the background ignore it, and so would what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with out.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "workers", "--run-dir", str(run_dir), "logs", "prices", "-f", *options],
            cwd=PROJECT,
            env=environment({}),
            text=True,
            stdout=file,
            stderr=file,
        )
    signal.signal(signal.SIGINT, before)
    try:
        yield process, out
    finally:
        process.kill()
        process.wait()


def logs(run_dir: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "workers", "--run-dir", str(run_dir), "logs", "prices", "-n", "2"],
        cwd=PROJECT,
        env=environment({}) | environ,
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def test_logs_are_the_newest_lines(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "prices")
    log(runtime, *(f"line {number}" for number in range(5)))
    log(runtime, "another's", worker="posts")
    out = StringIO()
    call_command("workers", "--run-dir", str(run_dir), "logs", "prices", "-n", "2", stdout=out)
    assert said(out.getvalue()) == ["line 3", "line 4"]


@pytest.mark.parametrize(("count", "first"), [("50", ["old 1", "old 2"]), ("1", ["old 2"])])
def test_lines_are_printed_as_they_come_until_ctrl_c(
    runtime: Connection, run_dir: Path, count: str, first: list[str]
) -> None:
    tell(runtime, "prices")
    log(runtime, "old 1", "old 2")
    with follow(run_dir, "-n", count) as (process, out):
        wait_until(partial(has_said, out, first), 30, out.read_text)
        for number in range(3):
            log(runtime, f"new {number}", f"new {number} too")
            log(runtime, "another's", worker="posts")
            come = [f"new {each}{words}" for each in range(number + 1) for words in ("", " too")]
            wait_until(partial(has_said, out, first + come), 10, out.read_text)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert "Traceback" not in out.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("keeps", [True, False])
def test_while_the_database_is_away_supervisord_is_asked(run_dir: Path, keeps: bool) -> None:
    script = run_dir / "speaks.py"
    script.write_text(SPEAKS)
    program = Program("prices", (str(script),), stop_seconds=5)
    log_dir = run_dir / "logs" if keeps else None
    with supervise([program], run_dir, {}, log_dir=log_dir) as supervisord:
        wait_until(lambda: supervisord.states().get("prices") == "RUNNING", 20, lambda: supervisord.said)
        done = logs(run_dir, AWAY)
    assert "the database is away" in done.stderr
    if keeps:
        assert (done.returncode, done.stdout.splitlines()) == (0, ["line 3", "line 4"])
        assert "from supervisord:" in done.stderr
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert "without LOG_DIR supervisord keeps no lines" in done.stderr


def test_while_both_are_away_that_is_said(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "prices")
    done = logs(run_dir, AWAY)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no worker 'prices'" in done.stderr
