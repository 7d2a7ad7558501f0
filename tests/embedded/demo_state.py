"""A demo of a test's own: a state folder that shares nothing with the project's but the installed packages."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.embedded.chain.compile import compile_contracts
from indexer.embedded.chain.packages import install
from indexer.embedded.places import make_state_dir, project_dir

SHARED = ("node", "solidity")
PATIENCE = 60.0
NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")


@pytest.fixture
def state() -> Iterator[Path]:
    """An empty state folder, with a path short enough for a socket and open enough for PostgreSQL's own user."""
    compile_contracts(install())
    folder = Path(tempfile.mkdtemp(prefix="footprint-", dir="/tmp"))
    folder.chmod(0o711)
    for name in SHARED:
        (folder / name).symlink_to(make_state_dir() / name)
    yield folder
    for pid in find_processes(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


def start_demo(state: Path, output: Path, *arguments: str, database_url: str = "") -> subprocess.Popen[bytes]:
    """Start `manage.py demo` on that state; what it says goes to the file `output`."""
    environment = {**os.environ, "FOOTPRINT_STATE": str(state), "DATABASE_URL": database_url}
    with output.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, str(project_dir() / "manage.py"), "demo", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def wait_for_text(output: Path, text: str, demo: subprocess.Popen[bytes]) -> str:
    """Return what the demo has said once it has said `text`."""
    deadline = time.monotonic() + PATIENCE
    while text not in (said := output.read_text()):
        assert demo.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return said


def find_processes(state: Path) -> list[int]:
    """Every process that was started with this state folder, or by one that was, whoever its parent is now."""
    wanted, found = f"FOOTPRINT_STATE={state}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "environ").read_bytes().split(b"\0") + (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words or any(os.fsencode(state) + b"/" in word for word in words):
            found.append(int(process.name))
    return found
