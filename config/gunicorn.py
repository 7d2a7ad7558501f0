"""How gunicorn serves: `gunicorn -c config/gunicorn.py config.wsgi`. What differs between machines comes from the
environment (config.options).

gunicorn runs this file by its path and takes the names that it knows as settings.
"""

import fcntl
import math
import os
import socket
import struct
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
# The gunicorn program, unlike `python -m gunicorn`, does not look for modules where it was started.
sys.path.insert(0, str(PROJECT))

from config.options import EX_CONFIG, OptionError, Options  # noqa: E402
from indexer.workers.child import leave, leave_with_parent, name_lines  # noqa: E402

name_lines()
if "GUNICORN_PID" not in os.environ:  # set when a running server is replaced by a new one (SIGUSR2), and then leaves
    leave_with_parent()
options = Options()


def cores() -> int:
    """The cores that this process may use: a container's limit counts, for its machine may have many more."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return usable
    return usable if quota == "max" else min(usable, math.ceil(int(quota) / int(period)))


def make_metrics_folder(listens_at: str) -> str:
    """The folder where the processes of this server add up their metrics; another server's is another one."""
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    name = "".join(sign if sign.isalnum() else "-" for sign in listens_at)
    folder = Path(given or Path(tempfile.gettempdir()) / f"footprint-metrics-{os.geteuid()}-{name}").absolute()
    try:
        folder.mkdir(0o700, parents=bool(given), exist_ok=True)
        # In a folder for everybody's temporary files another user may have been there first.
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            raise OptionError(f"{folder} belongs to another user: set PROMETHEUS_MULTIPROC_DIR to a folder of its own")
    except OSError as error:
        raise OptionError(f"PROMETHEUS_MULTIPROC_DIR {folder} cannot be made: {error.strerror}") from None
    return str(folder)


def read_settings() -> dict[str, Any]:
    """Django's settings are read once here: what is wrong with them is one sentence, not one for each process.

    They are forgotten again, so that the processes of a later reload read them anew. Gives Django's LOGGING.
    """
    os.environ["FOOTPRINT_PROCESS"] = "web"
    # `from config import settings` would find the forgotten ones again, at a reload (SIGHUP).
    settings = import_module("config.settings")
    del sys.modules["config.settings"]
    logging: dict[str, Any] = settings.LOGGING
    return logging


try:
    bind = options.text("WEB_BIND")
    workers = options.number("WEB_PROCESSES") or cores()
    threads = options.number("WEB_THREADS", least=1)
    loglevel = options.text("LOG_LEVEL")
    # Believed where a proxy is known to be before the server; from nobody else.
    forwarded_allow_ips = "*" if options.flag("TRUST_PROXY") else ""
    # To be in the environment before a process imports prometheus_client.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = make_metrics_folder(bind)
    # One format for Django's lines and gunicorn's.
    logconfig_dict = {"loggers": {"gunicorn.error": {"handlers": [], "propagate": True}}} | read_settings()
except OptionError as error:
    print(error, file=sys.stderr)
    leave(EX_CONFIG)

worker_class = "gthread"
# A process is replaced now and then, so that no leak of a library adds up; not all at the same time.
max_requests = 20_000
max_requests_jitter = 10_000
# The sign of life of each process is a file: on a disk that is busy it would come late.
if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"
timeout = 60
graceful_timeout = 20
# Longer than load balancers keep idle connections (60 seconds is usual): else some requests meet a closed one.
keepalive = 75
# Seconds of silence within a request, or before a client takes more of its answer: a thread would wait for ever for one
# that has left without a word. Who sends on, however slowly, is for a proxy before the server to judge.
SILENCE = 20
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
# It would hold the addresses that are looked up.
accesslog = None
errorlog = "-"
# It would lie in the home directory, one for all servers of a user.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Metrics of processes that are no more would be counted as if they were; once, before any process is there.

    Not those of a server that runs: gunicorn finds out later that its address is taken. Its processes keep the lock,
    too, for they have the same open file.
    """
    if "GUNICORN_PID" in os.environ:
        return
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    server.counts_here = (folder / "server.lock").open("w")
    try:
        fcntl.flock(server.counts_here, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    for left in folder.glob("*.db"):
        left.unlink(missing_ok=True)


def post_fork(server: Any, worker: Any) -> None:
    """Connections have these limits from the socket that takes them; gunicorn itself sets none."""
    for listener in worker.sockets:
        for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", SILENCE, 0))


def child_exit(server: Any, worker: Any) -> None:
    """Forget the live gauges of a process that has ended."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
