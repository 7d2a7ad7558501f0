"""Where a process stands, of processes of every kind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.workers.patience import LONGEST_PAUSE, pause_before_restart
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


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | {"FOOTPRINT_STACKS": str(folder)},
        text=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


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
        process.kill()
    forget_stacks(tmp_path, "prices", process.pid)
    assert not stack_file(tmp_path, "prices", process.pid).exists()


def test_a_process_that_would_die_of_the_question_is_not_asked(tmp_path: Path) -> None:
    with start(READY, tmp_path) as process:
        words = take_stack(tmp_path, "prices", process.pid)
        assert words.startswith("it does not write its stack (SIGUSR1 is not caught)\nState S (sleeping)")
        assert process.poll() is None
        process.kill()


def test_a_process_that_does_not_answer_is_described(tmp_path: Path) -> None:
    with start(f"import signal; signal.signal(signal.SIGUSR1, lambda *_: None)\n{READY}", tmp_path) as process:
        words = take_stack(tmp_path, "prices", process.pid, patience=0.2)
        assert words.startswith("it has not written its stack within 0.2 s\nState ")
        process.kill()
    assert take_stack(tmp_path, "prices", process.pid) == "its process is gone"


def test_a_hung_worker_waits_longer_the_more_often_a_restart_has_not_helped() -> None:
    pauses = [pause_before_restart(restarts, limit=3) for restarts in range(10)]
    assert pauses == [0, 0, 0, 15, 30, 60, 120, 240, 480, 600]
    assert pause_before_restart(10_000, limit=3) == LONGEST_PAUSE
