"""The demo's child processes: each in a session of its own, with a log, and none left behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from indexer.embedded.places import project_dir
from indexer.embedded.processes import command_line

STOP_SECONDS = 20.0
LAST_LINES = 15


class Children:
    """Processes by name. `folder` gets their logs, and a list of them that outlives a demo that is killed."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self._roster = folder / "children.json"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], *, again: bool = False) -> int:
        """Start a process with `environment` added to ours, and give its id; its log begins anew unless `again`."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log_of(name).open("ab" if again else "wb") as log:
            # A session of its own: Ctrl-C in the terminal reaches the demo alone, which stops the others in order.
            self._running[name] = subprocess.Popen(
                command,
                cwd=project_dir(),
                env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._write_roster()
        return self._running[name].pid

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def find_dead(self) -> str | None:
        """What to say of a process that has ended by itself, with the last lines of its log; None: all run."""
        for name, process in self._running.items():
            code = process.poll()
            if code is not None:
                how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                return f"{name} {how}. The end of its log, {self.log_of(name)}:\n{read_last_lines(self.log_of(name))}"
        return None

    def kill(self, name: str) -> None:
        """End one process as a crash would, and wait until it is gone."""
        process = self._running.pop(name)
        signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, hurried: Callable[[], bool] = lambda: False) -> None:
        """Let all finish what they have in hand; those that take too long, or all when `hurried`, are killed."""
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(process.poll() is None for process in self._running.values()):
            if hurried() or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for name in list(self._running):
            self.kill(name)
        self._roster.unlink(missing_ok=True)

    def end_survivors(self) -> int:
        """End what a demo that was killed has left running; how many that were."""
        try:
            roster: list[dict[str, object]] = json.loads(self._roster.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        left = [int(str(entry["pid"])) for entry in roster if is_running(int(str(entry["pid"])), str(entry["command"]))]
        for pid in left:
            signal_group(pid, signal.SIGKILL)
        self._roster.unlink()
        return len(left)

    def _write_roster(self) -> None:
        roster = [{"pid": child.pid, "command": describe(child)} for child in self._running.values()]
        fresh = self._roster.with_suffix(".new")
        fresh.write_text(json.dumps(roster))
        fresh.replace(self._roster)


def describe(process: subprocess.Popen[bytes]) -> str:
    """The arguments of a process; how it names the interpreter differs between systems."""
    assert isinstance(process.args, Sequence)
    return " ".join(str(argument) for argument in process.args[1:])


def is_running(pid: int, arguments: str) -> bool:
    """True if this process is there and has these arguments."""
    return command_line(pid).endswith(arguments)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a child and what it has started; a session of its own makes it the leader of their group."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def read_last_lines(log: Path) -> str:
    if not log.exists():
        return "(it has none)"
    return "\n".join(log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]) or "(it is empty)"
