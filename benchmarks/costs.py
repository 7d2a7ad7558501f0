"""What running processes cost, as Linux counts it: processor seconds and peak memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PARENT, USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM = 1, 11, 12, 13, 14
"""Fields of /proc/<pid>/stat behind the name, which may hold blanks."""
GONE = (FileNotFoundError, ProcessLookupError)


def seconds_of(pid: int, fields: Iterable[int] = (USER, SYSTEM)) -> float:
    """Processor seconds of a process; 0 when it is gone."""
    with suppress(*GONE):
        stat = read_stat(pid)
        return sum(int(stat[field]) for field in fields) / TICKS
    return 0.0


def seconds_of_server(postmaster: int) -> float:
    """Processor seconds of a PostgreSQL server: its main process, the backends that live and those that have ended."""
    ended = seconds_of(postmaster, (CHILDREN_USER, CHILDREN_SYSTEM))
    while True:
        living = sum(map(seconds_of, children_of(postmaster)))
        # One that ends meanwhile might be counted twice, or not at all.
        before, ended = ended, seconds_of(postmaster, (CHILDREN_USER, CHILDREN_SYSTEM))
        if before == ended:
            return seconds_of(postmaster) + living + ended


def peak_of(pid: int) -> int:
    """The most bytes of memory that a process has had at once; 0 when it is gone."""
    return _memory_of(pid, "VmHWM:")


def resident_of(pid: int) -> int:
    """The bytes of memory that a process has now; 0 when it is gone."""
    return _memory_of(pid, "VmRSS:")


def _memory_of(pid: int, name: str) -> int:
    with suppress(*GONE):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def children_of(parent: int) -> Iterable[int]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(*GONE):
                if parent_of(int(folder.name)) == parent:
                    yield int(folder.name)


def parent_of(pid: int) -> int:
    return int(read_stat(pid)[PARENT])


def read_stat(pid: int) -> list[str]:
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
