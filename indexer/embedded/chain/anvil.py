"""One local EVM chain: an anvil process and the state it keeps between starts.

What was found out of anvil 1.7.1, and what follows from it here:

- After a reload it serves every old block, receipt and log, by number and by hash; so a chain is resumed, never
  rebuilt. It does not serve old account state: `eth_call` at blocks before the reload fails, and so does an
  `anvil_reorg` that reaches below the block it was reloaded at.
- It writes its state in place. A kill in that moment leaves a torn file, with which it would not start again. So it
  reads one file and writes another, and only a complete one takes the place of the first.
- It answers a moment before it has a handler for SIGTERM, which until then ends it without its state. So it counts as
  started only when it has one.
- In the middle of an `anvil_reorg` it may, for a moment, deny having the blocks it is replacing.
- After a kill the newest complete state is older than the chain was: readers see the head go back, possibly further
  than final. `resume` then is "behind".
- A state of every block costs up to 0.4 MB of disk each, hence the pruning to the last HISTORY ones in memory.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

from indexer.embedded.places import make_state_dir
from indexer.embedded.processes import catches, command_line

from .node import Node, NodeError
from .packages import install

ACCOUNTS = 41
HISTORY = 128
DUMP_SECONDS = 30
START_SECONDS = 60.0
STOP_SECONDS = 60.0
WEEK = 7 * 24 * 3600

Resume = Literal["new", "clean", "behind"]


class AnvilError(RuntimeError):
    """The local chain cannot be started or stopped; the text says why and what to do."""


class Anvil:
    """A chain of its own folder `directory` (default: in the state folder), served on a loopback port.

    It mines only when told to, in the order transactions arrive; ACCOUNTS accounts hold a million ether each. It
    lives in a session of its own, so that Ctrl-C in the terminal reaches only those who then stop it in order.
    `resume` says, after `start`, what the chain was found as: "new"; "clean", exactly as it was stopped; or
    "behind", without its latest blocks because it was killed.
    """

    def __init__(
        self,
        chain_id: int,
        directory: Path | None = None,
        port: int | None = None,
        binary: Path | None = None,
        dump_seconds: int = DUMP_SECONDS,
        history: int = HISTORY,
    ) -> None:
        self.chain_id = chain_id
        self.directory = directory or make_state_dir() / "chains" / str(chain_id)
        self.resume: Resume = "new"
        self._port = port
        self._binary = binary
        self._dump_seconds = dump_seconds
        self._history = history
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._state = self.directory / "state.json"
        self._next = self.directory / "state.next.json"
        self._running = self.directory / "running.json"
        self._log = self.directory / "anvil.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> "Anvil":
        """Start the chain where it was left and wait until it answers. Raises AnvilError, PackagesError."""
        binary = self._binary or install().anvil
        self.directory.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self.resume = self._recover()
            self._port = self._port or _free_port()
            self._spawn(binary)
            self._wait_until_it_answers()
        except BaseException:
            self._release_lock()
            raise
        return self

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the chain and keep its state. Raises AnvilError if it had to be killed; without a start: nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if status == 0:
            self._promote()
            self._running.unlink(missing_ok=True)
        self._release_lock()
        if status:
            raise AnvilError(f"chain {self.chain_id} did not stop in order; its latest blocks may be lost: {self._log}")

    def discard(self) -> None:
        """Forget the chain of a stopped Anvil: the next start begins a new one."""
        if self.alive():
            raise AnvilError(f"chain {self.chain_id} is running: stop it before discarding it.")
        shutil.rmtree(self.directory, ignore_errors=True)

    def _spawn(self, binary: Path) -> None:
        command = [str(binary), *self._arguments()]
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        except OSError as error:
            raise AnvilError(f"{binary} cannot be run here ({error.strerror}): on Linux it needs glibc.") from error
        self._running.write_text(json.dumps({"pid": self._process.pid}))

    def _arguments(self) -> list[str]:
        # fmt: off
        arguments = [
            "--host", "127.0.0.1", "--port", str(self._port), "--chain-id", str(self.chain_id), "--quiet",
            "--no-mining", "--order", "fifo", "--gas-limit", "1000000000",
            "--accounts", str(ACCOUNTS), "--balance", "1000000",
            "--prune-history", str(self._history), "--cache-path", str(self.directory / "cache"),
            "--dump-state", str(self._next), "--state-interval", str(self._dump_seconds),
        ]
        # fmt: on
        if self._state.exists():
            return [*arguments, "--load-state", str(self._state)]
        # A genesis in the past leaves room for a history of blocks with times of their own.
        return [*arguments, "--timestamp", str(int(time.time()) - WEEK)]

    def _recover(self) -> Resume:
        """Settle what the last run left, stopping its anvil if it outlived it, and say what there is to resume."""
        if not self._running.exists():
            self._next.unlink(missing_ok=True)
            return "clean" if self._state.exists() else "new"
        pid = json.loads(self._running.read_text() or "{}").get("pid")
        stopped = pid is not None and self._stop_survivor(pid)
        if self._next.exists() and _is_complete(self._next):
            self._promote()
        else:
            stopped = False
            self._next.unlink(missing_ok=True)
        self._running.unlink()
        if not self._state.exists():
            return "new"
        return "clean" if stopped else "behind"

    def _stop_survivor(self, pid: int) -> bool:
        """Stop an anvil whose starter was killed; true if it was there and has written its state."""
        if str(self._next) not in command_line(pid):
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while str(self._next) in command_line(pid):
            if time.monotonic() > deadline:
                raise AnvilError(f"process {pid} still runs chain {self.chain_id}: end it, then start again.")
            time.sleep(0.05)
        return True

    def _promote(self) -> None:
        self._next.replace(self._state)

    def _take_lock(self) -> None:
        self._lock = (self.directory / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release_lock()
            raise AnvilError(
                f"chain {self.chain_id} is already running from {self.directory}: stop that one first."
            ) from None

    def _release_lock(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def _heeds_stop(self) -> bool:
        return self._process is not None and catches(self._process.pid, signal.SIGTERM)

    def _wait_until_it_answers(self) -> None:
        node, deadline = Node(self.url), time.monotonic() + START_SECONDS
        while self.alive() and time.monotonic() < deadline:
            with suppress(NodeError):
                if node.number("eth_chainId") == self.chain_id and self._heeds_stop():
                    return
            time.sleep(0.02)
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        if self._process and self.alive():
            self._process.kill()
            self._process.wait()
        self._process = None
        if self.resume != "behind":
            self._running.unlink()
        raise AnvilError(f"chain {self.chain_id} did not start ({last[0]}): see {self._log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_complete(state: Path) -> bool:
    try:
        json.loads(state.read_bytes())
    except ValueError:
        return False
    return True
