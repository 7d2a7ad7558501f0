"""What the system knows of a process by its number alone."""

import signal
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


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal; taken for granted where nothing tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return not Path("/proc/self").exists()
    caught = status.partition("SigCgt:")[2].split()[:1]
    return not caught or bool(int(caught[0], 16) >> (number - 1) & 1)
