"""Stopping the demo leaves nothing running, and the next start goes on where it was left."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .demo_state import NEEDS_PROC, find_processes, start_demo, state, wait_for_text

__all__ = ["state"]

pytestmark = [pytest.mark.slow, NEEDS_PROC]

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def start(state: Path, output: Path) -> Iterator[Start]:
    """Starts demos with a short history on the test's own state and an embedded PostgreSQL of their own."""
    started = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(start_demo(state, output, "--history", "40", "--market", "small", *arguments))
        return started[-1]

    yield begin
    for demo in started:
        demo.kill()
        demo.wait()


def test_ctrl_c_leaves_nothing_running_and_the_next_start_goes_on(state: Path, output: Path, start: Start) -> None:
    demo = start()
    said = wait_for_text(output, "jobs complete 16/16", demo)
    assert "hilltop is new, seaside is new" in said
    head = max(map(int, re.findall(r"hilltop: head (\d+)", said)))
    assert find_processes(state) != []
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=30) == 0
    assert output.read_text().endswith("Stopping …\nEverything is stopped.\n")
    assert find_processes(state) == []

    demo = start()
    said = wait_for_text(output, "seaside: head ", demo)
    assert "hilltop goes on, seaside goes on" in said
    # All jobs are complete at once: what was indexed is still there.
    first = next(line for line in said.splitlines() if line.startswith("hilltop: head"))
    assert first.count("jobs complete 16/16") == 2
    assert int(re.findall(r"hilltop: head (\d+)", said)[0]) >= head
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(timeout=30) == 0
    assert find_processes(state) == []


def test_a_second_demo_says_that_one_is_running(state: Path, output: Path, start: Start, tmp_path: Path) -> None:
    demo = start()
    wait_for_text(output, "PostgreSQL", demo)
    second = start_demo(state, tmp_path / "second")
    assert second.wait(timeout=30) == 1
    assert f"the demo is running already, as process {demo.pid}" in (tmp_path / "second").read_text()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=30) == 0
    assert find_processes(state) == []


def test_a_demo_that_was_killed_is_cleared_away_by_the_next(state: Path, output: Path, start: Start) -> None:
    demo = start()
    wait_for_text(output, "seaside: head", demo)
    demo.kill()
    demo.wait()
    assert find_processes(state) != []
    demo = start()
    said = wait_for_text(output, "seaside: head", demo)
    assert "The last demo was killed: 5 processes that it had left running were ended.\n" in said
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=30) == 0
    assert find_processes(state) == []


def test_a_worker_that_dies_ends_the_demo_with_its_name(state: Path, output: Path, start: Start) -> None:
    demo = start()
    wait_for_text(output, "seaside: head", demo)
    workers = [pid for pid in find_processes(state) if is_worker(pid, "seaside")]
    os.kill(workers[0], signal.SIGKILL)
    assert demo.wait(timeout=30) == 1
    assert "worker-seaside was ended by SIGKILL. The end of its log, " in output.read_text()
    assert find_processes(state) == []


def is_worker(pid: int, slug: str) -> bool:
    return f"run_chain_worker\0{slug}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
