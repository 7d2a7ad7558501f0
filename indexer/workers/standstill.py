"""Where a process stands that does nothing any more: its stack, or what the kernel says of it.

A worker writes the stacks of all threads into a file when SIGUSR1 asks for them, even while nothing else of it runs:
see `indexer.workers.stacks`.
"""

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from indexer.workers.stacks import stack_file

PATIENCE = 2.0
"""Seconds for a process to write its stack."""
LOOK_AGAIN = 0.05
LONGEST = 100_000
"""Characters that are kept of a stack."""
PROC = Path("/proc")


def take_stack(folder: Path, name: str, pid: int, patience: float = PATIENCE) -> str:
    """The stack of the process in words; never empty, never an exception, after `patience` at the latest.

    A process that somebody stopped (SIGSTOP) is let go on for it, and so must be killed or welcomed afterwards.
    """
    status = read(PROC / str(pid) / "status")
    if not status:
        return "its process is gone"
    if not catches(status, signal.SIGUSR1):
        # The signal would end it, and not tell anything.
        return f"it does not write its stack (SIGUSR1 is not caught)\n{describe(pid)}"
    file = stack_file(folder, name, pid)
    before = size_of(file)
    seen = describe(pid)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGUSR1)
        if is_stopped(pid):
            os.kill(pid, signal.SIGCONT)
    written = wait_for_growth(file, before, patience)
    if not written:
        return f"it has not written its stack within {patience:g} s\n{seen}"
    return f"{seen}\n\n{written[:LONGEST]}"


def forget_stacks(folder: Path, name: str, pid: int) -> None:
    """Remove the file of a process that has ended."""
    with suppress(OSError):
        stack_file(folder, name, pid).unlink(missing_ok=True)


def wait_for_growth(file: Path, before: int, patience: float) -> str:
    """What is written into the file, once nothing more comes; empty when nothing does."""
    deadline = time.monotonic() + patience
    size = before
    while time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN)
        last, size = size, size_of(file)
        if size > before and size == last:
            break
    if size <= before:
        return ""
    with suppress(OSError), file.open("rb") as opened:
        opened.seek(before)
        return opened.read().decode(errors="replace").strip()
    return ""


def describe(pid: int) -> str:
    """What the kernel says of a process: its state, its threads, its memory, and what it waits for in the kernel."""
    status = dict(line.split(":", 1) for line in read(PROC / str(pid) / "status").splitlines() if ":" in line)
    words = [f"{key} {status[key].strip()}" for key in ("State", "Threads", "VmRSS") if key in status]
    waits = read(PROC / str(pid) / "wchan").strip("0\n")
    return "; ".join(words + ([f"waits in {waits}"] if waits else []))


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped it with SIGSTOP."""
    return re.search(r"^State:\s+T", read(PROC / str(pid) / "status"), re.MULTILINE) is not None


def catches(status: str, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal, by its /proc/PID/status."""
    found = re.search(r"^SigCgt:\s+([0-9a-f]+)$", status, re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
