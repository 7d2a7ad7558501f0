"""Where a process writes the stacks of its threads when SIGUSR1 asks for them, as it does when the process is hung."""

import faulthandler
import logging
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from indexer.workers.child import STACKS
from indexer.workers.run_folder import make_folder

log = logging.getLogger(__name__)


def stack_file(folder: Path, name: str, pid: int) -> Path:
    """Where the process `pid` of the worker `name` writes them."""
    return folder / f"{name}.{pid}"


@contextmanager
def stacks_on_request(name: str, run_dir: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Path | None]:
    """Meanwhile SIGUSR1 adds the stacks of all threads to a file, even while Python itself stands still.

    The file lies in FOOTPRINT_STACKS, or else in the folder `stacks` of `run_dir`; what earlier processes of this name
    have left is removed. Where none can be written (None), that is said, and the worker works all the same.
    """
    folder = Path(environ.get(STACKS) or run_dir / "stacks")
    # What holds without a file, and again afterwards: by default a request would end the process.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        file = open_file(folder, name)
    except OSError as error:
        log.warning("%s: no stacks can be written into %s: %s", name, folder, error.strerror)
        yield None
        return
    with file:
        faulthandler.register(signal.SIGUSR1, file, all_threads=True)
        try:
            yield Path(file.name)
        finally:
            faulthandler.unregister(signal.SIGUSR1)
            Path(file.name).unlink(missing_ok=True)


def open_file(folder: Path, name: str) -> TextIO:
    """Raises OSError."""
    make_folder(folder, 0o700)
    for left in folder.glob(f"{name}.*"):
        if is_of_nobody(left, name):
            left.unlink(missing_ok=True)
    return stack_file(folder, name, os.getpid()).open("w")


def is_of_nobody(path: Path, name: str) -> bool:
    """Whether the process that wrote this file is gone."""
    pid = path.name.removeprefix(f"{name}.")
    return pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists()
