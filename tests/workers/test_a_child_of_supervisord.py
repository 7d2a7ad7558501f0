"""What a process does because supervisord runs it, without supervisord."""

import os
import signal
import subprocess
import sys
import time

from indexer.workers.child import NAMED, STAY
from tests.processes import PROJECT

NOTING = """
import signal, sys, threading
from indexer.workers.child import supervised
with supervised():
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    while not stop.wait(0.05):
        pass
    print("left in order")
"""


def start(code: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | settings,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, float]:
    """Exit code, what it said, how many seconds it took."""
    began = time.monotonic()
    said, _ = process.communicate(timeout=30)
    return process.returncode, said, time.monotonic() - began


def run(body: str, **settings: str) -> tuple[int, str, float]:
    code = "import sys\nfrom indexer.workers.child import supervised\nwith supervised():\n    " + body
    return finish(start(code, **settings))


def test_by_hand_nothing_is_waited_for_and_no_line_has_a_name() -> None:
    code, said, seconds = run("print('hello'); sys.exit(78)")
    assert (code, said) == (78, "hello\n")
    assert seconds < 5


def test_a_final_exit_waits_until_its_start_counts() -> None:
    began = time.monotonic()
    assert run("sys.exit(78)", **{STAY: "1.5"})[0] == 78
    assert time.monotonic() - began >= 1.5


def test_a_failure_does_not_wait() -> None:
    code, said, seconds = run("raise ValueError('broken')", **{STAY: "60"})
    assert code == 1
    assert "ValueError: broken" in said
    assert seconds < 30
    assert run("sys.exit('no such thing')", **{STAY: "60"})[:2] == (1, "no such thing\n")


def test_who_was_told_to_stop_does_not_wait() -> None:
    process = start(NOTING, **{STAY: "60"})
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    code, said, seconds = finish(process)
    assert (code, said) == (0, "left in order\n")
    assert seconds < 30


def test_every_line_has_the_name_of_its_program() -> None:
    named = {NAMED: "1", "SUPERVISOR_PROCESS_NAME": "worker-hilltop"}
    body = "print('one', 'two\\nthree'); print('four', file=sys.stderr); print('no end', end='')"
    _, said, _ = run(body, **named)
    assert sorted(said.splitlines()) == sorted(
        f"worker-hilltop | {text}" for text in ("one two", "three", "four", "no end")
    )
    _, said, _ = run("raise ValueError('broken')", **named)
    assert all(line.startswith("worker-hilltop | ") for line in said.splitlines())
    assert said.endswith("worker-hilltop | ValueError: broken\n")
