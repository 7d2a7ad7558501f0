"""The run folder: what a start of the workers writes down, and the control socket of those that run."""

import json
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from indexer.workers.configuration import Layout, write_configuration
from indexer.workers.programs import Program, list_targets

EVERY_HOST = ("", "0.0.0.0", "::", "[::]")


def write_run_folder(programs: Sequence[Program], layout: Layout, metrics_host: str) -> Path:
    """Write supervisord.conf and prometheus/workers.json; the path of the first.

    Each is replaced as a whole. The folder may be seen by others (Prometheus reads its file as another user), the
    configuration and the socket may not. Raises OSError and ProgramsError.
    """
    configuration = write_configuration(programs, layout)
    make_folder(layout.run_dir)
    make_folder(layout.run_dir / "prometheus")
    make_folder(layout.stacks, 0o700)
    if layout.log_dir:
        make_folder(layout.log_dir, 0o750)
    # Workers that listen on every address are found under this machine's (or container's) name.
    host = socket.gethostname() if metrics_host in EVERY_HOST else metrics_host
    targets = json.dumps(list_targets(programs, host), indent=1)
    replace(layout.run_dir / "prometheus" / "workers.json", targets, 0o644)
    replace(layout.file, configuration, 0o600)
    return layout.file


def make_folder(folder: Path, mode: int = 0o755) -> None:
    """Make a folder with this mode, whatever the umask; one that exists stays as it is.

    Missing parents are made so that others may pass, but not look around.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent, 0o711)
    folder.mkdir(0o700, exist_ok=True)
    folder.chmod(mode)


def replace(file: Path, text: str, mode: int) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as opened:
        os.fchmod(opened.fileno(), mode)
        opened.write(text)
    new.replace(file)


def is_running(layout: Layout) -> bool:
    """Whether a supervisord of this run folder listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(layout.socket))
        except OSError:
            return False
    return True


def choose_log_dir(given: str, run_dir: Path, stdout: int) -> Path | None:
    """The folder for the programs' lines; None: they go to `stdout`, a descriptor.

    supervisord opens its stdout anew for each program, which a socket (systemd's journal) refuses: without LOG_DIR the
    run folder then gets the logs.
    """
    if given:
        return Path(given).absolute()
    return run_dir / "logs" if stat.S_ISSOCK(os.fstat(stdout).st_mode) else None
