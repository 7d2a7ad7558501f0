"""Processes that outlived who started them."""

import subprocess
from pathlib import Path


def command_line(pid: int) -> str:
    """The command line of a process, empty if there is none: a number alone may be another's by now."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    answer = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return answer.stdout.decode(errors="replace").strip()
