"""Several processes hold one server: the last to leave stops it, however the others left."""

import os
import signal
import subprocess
import sys
import time

import pytest

from indexer.embedded.postgres import EmbeddedPostgres

pytestmark = pytest.mark.xdist_group("postgres_sharing")

# Holds, then does what its standard input says, line by line.
HOLDER = """
import os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
from indexer.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.hold()
print("holds", flush=True)
for line in sys.stdin:
    if line == "fork\\n":
        if os.fork() == 0:
            sys.exit()
        os.wait()
    if line == "fork and stay\\n":
        if os.fork() == 0:
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            time.sleep(30)
    if line == "hold\\n":
        server.hold()
    print("done", flush=True)
"""


class Holder:
    def __init__(self, server: EmbeddedPostgres) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(server.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        assert self.read() == "done\n"

    def leave(self) -> None:
        self.process.communicate(timeout=20)
        assert self.process.returncode == 0


def test_the_last_to_leave_stops_the_server(server: EmbeddedPostgres) -> None:
    holders = [Holder(server), Holder(server), Holder(server)]
    assert [holder.read() for holder in holders] == ["holds\n"] * 3
    for holder in holders:
        assert server.running()
        holder.leave()
    assert not server.running()
    assert not (server.data / "postmaster.pid").exists()


def test_a_holder_that_was_killed_does_not_count(server: EmbeddedPostgres) -> None:
    killed, other = Holder(server), Holder(server)
    assert killed.read() == other.read() == "holds\n"
    killed.process.kill()
    killed.process.communicate()
    assert server.running()
    other.leave()
    assert not server.running()


def test_a_server_left_behind_by_a_killed_holder_is_taken_over(server: EmbeddedPostgres) -> None:
    killed = Holder(server)
    assert killed.read() == "holds\n"
    killed.process.kill()
    killed.process.communicate()
    assert server.running()
    heir = Holder(server)
    assert heir.read() == "holds\n"
    heir.leave()
    assert not server.running()


def test_a_forked_child_that_ends_does_not_stop_its_parents_server(server: EmbeddedPostgres) -> None:
    holder = Holder(server)
    assert holder.read() == "holds\n"
    holder.tell("fork")
    assert server.running()
    holder.leave()
    assert not server.running()


def test_a_forked_child_that_stays_does_not_keep_the_server_running(server: EmbeddedPostgres) -> None:
    holder = Holder(server)
    assert holder.read() == "holds\n"
    holder.tell("fork and stay")
    holder.leave()
    assert not server.running()
    os.killpg(holder.process.pid, signal.SIGKILL)


def test_ctrl_c_reaches_the_holder_and_not_the_server(server: EmbeddedPostgres) -> None:
    interrupted, other = Holder(server), Holder(server)
    assert interrupted.read() == other.read() == "holds\n"
    os.killpg(interrupted.process.pid, signal.SIGINT)
    interrupted.process.communicate(timeout=20)
    assert interrupted.process.returncode == -signal.SIGINT
    assert server.running()
    other.leave()
    assert not server.running()


def test_hold_starts_a_server_that_died_again(server: EmbeddedPostgres) -> None:
    holder = Holder(server)
    assert holder.read() == "holds\n"
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    while server.running():
        time.sleep(0.01)
    holder.tell("hold")
    assert server.running()
    holder.leave()
    assert not server.running()


def test_release_leaves_before_the_process_ends(server: EmbeddedPostgres) -> None:
    server.hold()
    server.hold()
    server.release()
    assert not server.running()
    server.release()
