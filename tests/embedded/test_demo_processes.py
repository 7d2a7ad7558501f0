"""The demo's children: none is lost sight of, none is left behind."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.embedded.demo.processes import Children, is_running

# Says so when it is ready; ends in good order on SIGTERM.
OBEDIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("left in order"), sys.exit(0)))
print("ready")
time.sleep(60)
"""
STUBBORN = OBEDIENT.replace('lambda *_: (print("left in order"), sys.exit(0))', "signal.SIG_IGN")
# Has a child of its own, as the web server has.
PARENT = """
import os, time
if os.fork():
    print("ready")
time.sleep(60)
"""


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    family = Children(tmp_path)
    yield family
    family.stop(hurried=lambda: True)


def start(children: Children, name: str, program: str, *, again: bool = False) -> int:
    """Start a Python program and wait until it is ready; gives its process id."""
    before = children.log_of(name).read_text().count("ready") if again else 0
    pid = children.start(name, [sys.executable, "-c", program, name], {}, again=again)
    wait_for(lambda: children.log_of(name).read_text().count("ready") > before)
    return pid


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_children_finish_what_they_have_in_hand(children: Children) -> None:
    pid = start(children, "worker", OBEDIENT)
    assert children.find_dead() is None
    children.stop()
    assert not exists(pid)
    assert "left in order" in children.log_of("worker").read_text()


def test_a_child_that_does_not_leave_is_killed_in_a_hurry(children: Children) -> None:
    pid = start(children, "worker", STUBBORN)
    began = time.monotonic()
    children.stop(hurried=lambda: time.monotonic() > began + 0.3)
    assert not exists(pid)
    assert 0.3 <= time.monotonic() - began < 5


def test_the_children_of_a_child_go_with_it(children: Children) -> None:
    pid = start(children, "web", PARENT)
    children.kill("web")
    wait_for(lambda: not group_exists(pid))


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_died_is_named_with_the_end_of_its_log(children: Children) -> None:
    children.start("worker", [sys.executable, "-c", "print('the last words'); raise SystemExit(3)"], {})
    wait_for(lambda: children.find_dead() is not None)
    said = children.find_dead() or ""
    assert said.startswith("worker ended with exit code 3. The end of its log, ")
    assert said.endswith("the last words")


def test_a_child_that_was_killed_is_named_with_the_signal(children: Children) -> None:
    os.kill(start(children, "worker", OBEDIENT), signal.SIGKILL)
    wait_for(lambda: children.find_dead() is not None)
    assert (children.find_dead() or "").startswith("worker was ended by SIGKILL.")


def test_a_child_started_again_goes_on_in_the_same_log(children: Children) -> None:
    start(children, "worker", OBEDIENT)
    children.kill("worker")
    start(children, "worker", OBEDIENT, again=True)
    assert children.find_dead() is None
    assert children.log_of("worker").read_text().count("ready") == 2


def test_what_a_killed_demo_left_running_is_ended_by_the_next(children: Children, tmp_path: Path) -> None:
    pid = start(children, "worker", OBEDIENT)
    assert Children(tmp_path).end_survivors() == 1
    wait_for(lambda: children.find_dead() is not None)
    assert not exists(pid)
    assert Children(tmp_path).end_survivors() == 0


def test_another_process_with_the_number_of_a_survivor_is_left_alone(children: Children) -> None:
    pid = start(children, "worker", OBEDIENT)
    assert is_running(pid, f"-c {OBEDIENT} worker")
    assert not is_running(pid, f"-c {OBEDIENT} other")
    assert not is_running(2**22 + 1, "worker")


def test_after_a_stop_in_order_there_are_no_survivors(children: Children, tmp_path: Path) -> None:
    start(children, "worker", OBEDIENT)
    children.stop()
    assert not list(tmp_path.glob("children*"))
