"""A real supervisord, started as run_workers starts it, and what it says of its programs."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.processes import PATIENCE, PROJECT


class Supervisord:
    """A process that is supervisord or becomes it, with the run folder that it was given."""

    def __init__(self, command: Sequence[str], run_dir: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.run_dir = run_dir
        self.log = log
        # supervisord as it is needs a file to which every writer appends; run_workers takes any.
        with log.open("wb" if "run_workers" in command else "ab") as lines:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=PROJECT, env=environment, stdout=lines, stderr=lines
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def control(self, *arguments: str) -> str:
        """What supervisorctl answers."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", f"{self.run_dir}/supervisord.conf"]
        done = subprocess.run(
            [*command, *arguments], cwd=PROJECT, text=True, capture_output=True, timeout=PATIENCE, check=False
        )
        return done.stdout

    def states(self) -> dict[str, str]:
        """Program → RUNNING, STARTING, BACKOFF, EXITED and so on."""
        lines = [line.split() for line in self.control("status").splitlines()]
        return {words[0].rpartition(":")[2]: words[1] for words in lines if len(words) > 1}

    def pid_of(self, program: str) -> int:
        """Its process id; `program` with its group, if it has one. 0: it does not run now."""
        return int(self.control("pid", program))

    def terminate(self, within: float = PATIENCE) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def kill(self) -> None:
        """End it and whatever it has started, if anything is left."""
        children = find_children(self.process.pid)
        self.process.kill()
        self.process.wait()
        for child in children:
            try:
                os.killpg(child, signal.SIGKILL)
            except ProcessLookupError:
                continue


def find_children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []
