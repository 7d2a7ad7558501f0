"""Watch the workers of this machine."""

import os
import signal
import socket
from argparse import ArgumentParser
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings

from indexer.chains.command import FootprintCommand
from indexer.workers.child import STACKS
from indexer.workers.overseer import Overseer, Place
from indexer.workers.supervisor import SOCKET_URL


class Command(FootprintCommand):
    help = (
        "Watch the programs of a supervisord, below which run_workers starts it: note which have ended and why, keep "
        "the stack of one that hangs and start it again, carry out the orders of the page Workers and of "
        "`manage.py workers`. A database that is away is waited for. Two for the same run folder do no harm: one "
        "stands by. Exit code 0: told to stop."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--run-dir", help="the run folder of run_workers (default: that of the supervisord that has started this)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: stop.set())
        Overseer(find_place(options["run_dir"])).run(stop)


def find_place(run_dir: str | None) -> Place:
    """The supervisord of that run folder, or of this process, or of the run folder in the state folder."""
    given = os.environ.get("SUPERVISOR_SERVER_URL", "")
    if run_dir is None and given.startswith(SOCKET_URL):
        path = Path(given.removeprefix(SOCKET_URL))
    else:
        path = (Path(run_dir).absolute() if run_dir else settings.STATE_DIR / "run") / "supervisor.sock"
    stacks = Path(os.environ[STACKS]) if STACKS in os.environ and run_dir is None else path.parent / "stacks"
    return Place(socket.gethostname(), path, stacks)
