"""What a process does because supervisord runs it: its lines begin with its name, it does not leave too early, and it
does not outlive supervisord.

The configuration asks for it by environment variables, so a process that is started by hand does neither. The
standard library only: this is there before Django is.
"""

import atexit
import ctypes
import io
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import NoReturn, TextIO

PROGRAM = "SUPERVISOR_PROCESS_NAME"
"""The environment variable in which supervisord gives a program its name."""
NAMED = "FOOTPRINT_NAMED_LINES"
STAY = "FOOTPRINT_STAY_SECONDS"
"""Seconds after its start before which supervisord takes any exit for a failed start."""
STACKS = "FOOTPRINT_STACKS"
"""The folder where a process writes its stacks when SIGUSR1 asks for them, as NAME.PID."""
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl."""
FINAL_CODES = (0, 78)
"""Told to stop (or synced), and misconfigured: no use in starting again."""


@contextmanager
def supervised(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Around a whole process, from its beginning on."""
    began = time.monotonic()
    name_lines(environ)
    leave_with_parent(environ)
    if STAY not in environ:
        yield
        return
    signals = note_signals()
    try:
        yield
    except SystemExit as left:
        stay(left.code, began, signals, environ)
        raise
    stay(0, began, signals, environ)


def leave(code: int, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """End a process that cannot begin."""
    stay(code, time.monotonic(), note_signals(), environ)
    sys.exit(code)


def note_signals() -> int:
    """A descriptor from which the number of every signal that comes in can be read, whoever handles it."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def stay(code: object, began: float, signals: int, environ: Mapping[str, str] = os.environ) -> None:
    """Wait until an exit with this code counts as what it is; SIGTERM and SIGINT, even earlier ones, end the wait.

    Codes that are not final do not wait: supervisord may take them for the failures that they are.
    """
    if (code or 0) not in FINAL_CODES:
        return
    deadline = began + float(environ.get(STAY, "0"))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([signals], [], [], left)
        if readable and set(os.read(signals, 1024)) & {signal.SIGTERM, signal.SIGINT}:
            return


def leave_with_parent(environ: Mapping[str, str] = os.environ) -> None:
    """Let the kernel tell this process to stop when its supervisord is killed: nobody else would, and the next start
    would find its ports and its chain's lock taken."""
    if STAY in environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def name_lines(environ: Mapping[str, str] = os.environ) -> None:
    """From now on, let every line that this process prints begin with the name of its program."""
    name = environ.get(PROGRAM, "")
    if NAMED in environ and name:
        sys.stdout, sys.stderr = out, errors = NamedLines(sys.stdout, name), NamedLines(sys.stderr, name)
        for stream in (out, errors):
            atexit.register(stream.end)


class NamedLines(io.TextIOWrapper):
    """A text stream that puts a name before every line. A line is passed on when it is whole."""

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream.buffer, encoding=stream.encoding, errors="backslashreplace")
        self.prefix = f"{name} | "
        self.pending = ""
        self.lock = Lock()

    def write(self, text: str, /) -> int:
        with self.lock:
            *lines, self.pending = (self.pending + text).split("\n")
            if lines:
                super().write("".join(f"{self.prefix}{line}\n" for line in lines))
                self.flush()
        return len(text)

    def end(self) -> None:
        """Pass on a last line that was not ended."""
        if self.pending:
            self.write("\n")
