"""A client of supervisord: its programs' processes, and what can be done to them, over its control socket.

supervisord answers at once or not at all: nothing here waits for a program to start or to stop.
"""

import http.client
import re
import signal
import socket
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from xmlrpc.client import Fault, ServerProxy, Transport

TIMEOUT = 5.0
"""Seconds for an answer of a process that never waits itself."""
LOG_BYTES = 20_000
"""Of supervisord's log: some two hundred lines."""
SOCKET_URL = "unix://"
END = r"^.* (exited|stopped): {name} \((.*?)(?:; (?:not )?expected)?\)$"
"""A line of supervisord's log."""


class SupervisorAway(Exception):
    """Nobody answers on the socket; the text names it."""


class SupervisorRefuses(Exception):
    """supervisord will not do it; the text is its own."""


class Phase(StrEnum):
    """Where supervisord is with a program (`supervisor.states.ProcessStates`)."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


DOWN = frozenset({Phase.STOPPED, Phase.EXITED, Phase.FATAL})
"""supervisord has no process of it, and starts none by itself."""


class Process(NamedTuple):
    """A program as supervisord sees it. `pid` 0: it has no process now. `exit_status` is that of the last end that
    counted, 0 where there was none; `started_at` and `now` in seconds of the machine's clock, 0 for never; `log`: the
    file of what it prints, empty where it has none of its own."""

    name: str
    group: str
    pid: int
    phase: Phase
    exit_status: int
    started_at: int
    now: int
    error: str
    log: str

    @property
    def full_name(self) -> str:
        return f"{self.group}:{self.name}"

    @property
    def age(self) -> int:
        """Seconds since its last start."""
        return self.now - self.started_at


class End(NamedTuple):
    """The end of a process: "exit status 1" or "terminated by SIGKILL", and whether supervisord was told to stop it."""

    words: str
    was_told: bool


class Supervisor:
    """The supervisord of a run folder. Every method raises SupervisorAway and SupervisorRefuses."""

    def __init__(self, socket_path: Path, timeout: float = TIMEOUT) -> None:
        self.socket_path = socket_path
        self.timeout = timeout

    def processes(self) -> dict[str, Process]:
        """Every program by its name."""
        found = [read_process(info) for info in self._call("getAllProcessInfo")]
        return {process.name: process for process in found}

    def start(self, process: Process) -> None:
        self._call("startProcess", process.full_name, False)

    def stop(self, process: Process) -> None:
        """It gets SIGTERM, and after its own time SIGKILL; it is not started again."""
        self._call("stopProcess", process.full_name, False)

    def kill(self, process: Process) -> None:
        """SIGKILL, as from outside: supervisord starts it again."""
        self._call("signalProcess", process.full_name, str(int(signal.SIGKILL)))

    def last_end(self, name: str) -> End | None:
        """How the program's last process ended, by supervisord's log; None where that does not say."""
        log = str(self._call("readLog", -LOG_BYTES, 0))
        ends = re.findall(END.format(name=re.escape(name)), log, re.MULTILINE)
        return End(words=ends[-1][1], was_told=ends[-1][0] == "stopped") if ends else None

    def read_lines(self, process: Process, count: int) -> list[str] | None:
        """The last lines of the program's output; None where supervisord does not keep them in a file."""
        if not process.log:
            return None
        if count < 1:
            return []
        text = str(self._call("readProcessStdoutLog", process.full_name, -count * 200, 0))
        return text.splitlines()[-count:]

    def _call(self, method: str, *arguments: object) -> Any:
        # A connection for each call: supervisord may be another one by the next.
        with ServerProxy("http://supervisor", SocketTransport(self.socket_path, self.timeout)) as proxy:
            try:
                return getattr(proxy.supervisor, method)(*arguments)
            except Fault as fault:
                raise SupervisorRefuses(fault.faultString) from fault
            except (OSError, http.client.HTTPException) as error:
                raise SupervisorAway(f"supervisord does not answer on {self.socket_path}: {error}") from error


class SocketTransport(Transport):
    """XML-RPC over a unix socket. supervisor's own transport would wait for ever."""

    def __init__(self, socket_path: Path, timeout: float) -> None:
        super().__init__()
        self.socket_path = socket_path
        self.timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return SocketConnection(self.socket_path, self.timeout)


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, socket_path: Path, timeout: float) -> None:
        super().__init__("supervisor", timeout=timeout)
        self.socket_path = socket_path
        self.limit = timeout

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.limit)
        self.sock.connect(str(self.socket_path))


def read_process(info: dict[str, Any]) -> Process:
    return Process(
        name=info["name"],
        group=info["group"],
        pid=info["pid"],
        phase=Phase(info["statename"]),
        exit_status=info["exitstatus"],
        started_at=info["start"],
        now=info["now"],
        error=info["spawnerr"],
        # Without LOG_DIR it is supervisord's own stdout: a pipe cannot be read back, and in a file are others' lines.
        log="" if info["stdout_logfile"].startswith("/dev/") else info["stdout_logfile"],
    )
