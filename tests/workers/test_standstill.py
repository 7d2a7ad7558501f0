"""Where a process stands, of processes of every kind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.workers.patience import PAUSES, pause_before_restart
from indexer.workers.stacks import stack_file
from indexer.workers.standstill import forget_stacks, take_stack
from tests.processes import PROJECT, wait_until

READY = "import time; print('ready', flush=True); time.sleep(600)"
WRITES = f"""
from pathlib import Path
from indexer.workers.stacks import stacks_on_request
def stand_here():
    {READY}
with stacks_on_request("prices", Path("/nowhere")):
    stand_here()
"""


@contextmanager
def start(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has said that it is ready; it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | {"FOOTPRINT_STACKS": str(folder)},
        text=True,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_worker_writes_its_stack_even_where_somebody_has_stopped_it(tmp_path: Path, is_stopped: bool) -> None:
    with start(WRITES, tmp_path) as process:
        if is_stopped:
            process.send_signal(signal.SIGSTOP)
            wait_until(lambda: "\nState:\tT" in Path(f"/proc/{process.pid}/status").read_text(), 5)
        first = take_stack(tmp_path, "prices", process.pid)
        assert "stand_here" in first
        assert ("State T (stopped)" in first) is is_stopped
        # What was written before is not told again.
        assert take_stack(tmp_path, "prices", process.pid).count("most recent call first") == 1
    forget_stacks(tmp_path, "prices", process.pid)
    assert not stack_file(tmp_path, "prices", process.pid).exists()


def test_a_process_that_would_die_of_the_question_is_not_asked(tmp_path: Path) -> None:
    with start(READY, tmp_path) as process:
        words = take_stack(tmp_path, "prices", process.pid)
        # It has said that it is ready before it sleeps.
        assert re.match(r"it does not write its stack \(SIGUSR1 is not caught\)\nState [SR] ", words)
        assert process.poll() is None


def test_a_process_that_does_not_answer_is_described(tmp_path: Path) -> None:
    with start(f"import signal; signal.signal(signal.SIGUSR1, lambda *_: None)\n{READY}", tmp_path) as process:
        words = take_stack(tmp_path, "prices", process.pid, patience=0.2)
        assert words.startswith("it has not written its stack within 0.2 s\nState ")
    assert take_stack(tmp_path, "prices", process.pid) == "its process is gone"


def test_a_hung_worker_waits_longer_the_more_often_a_restart_has_not_helped() -> None:
    pauses = [pause_before_restart(restarts, limit=3) for restarts in range(10)]
    assert pauses == [0, 0, 0, 15, 30, 60, 120, 240, 480, 600]
    assert pause_before_restart(10_000, limit=3) == PAUSES.longest
