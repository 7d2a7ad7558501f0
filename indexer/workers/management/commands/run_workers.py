"""Run the workers of the chains below supervisord."""

import fcntl
import os
import stat
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from indexer.workers.plan import PlanningCommand, misconfigured
from indexer.workers.programs import ProgramsError
from indexer.workers.run_folder import is_running, write_run_folder


class Command(PlanningCommand):
    help = (
        "Become supervisord in the foreground with a worker for each chain, helpers with the past and the web server "
        "as asked for, the background workers, and the overseer that watches them. What ends is started again, but "
        "for exit codes 0 and 78. SIGTERM stops all in good order. "
        "Lines go to stdout, each with its program's name, or with LOG_DIR into one file for each program. "
        "`supervisorctl -c RUN_DIR/supervisord.conf status` and its other commands (stop, start, restart workers:NAME, "
        "tail) work while it runs. Exit codes: 0 told to stop, 1 failed, 78 misconfigured."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        plan = self.plan(options)
        if is_running(plan.layout):
            raise CommandError(
                f"workers run already from {plan.layout.run_dir}: stop them first, or give others another --run-dir"
            )
        try:
            file = write_run_folder(plan.programs, plan.layout, settings.METRICS_HOST)
        except ProgramsError as error:
            raise misconfigured(error) from error
        except OSError as error:
            raise misconfigured(f"the run folder cannot be written: {error}; give another --run-dir") from error
        names = " ".join(program.name for program in plan.programs)
        self.stdout.write(f"running {names}; supervisorctl -c {file} steers them")
        if plan.layout.log_dir:
            self.stdout.write(f"their lines go to {plan.layout.log_dir}")
        become([sys.executable, "-m", "supervisor.supervisord", "-c", str(file)])


def become(command: list[str]) -> None:
    connections.close_all()
    # supervisord sets one only when it goes to the background; what it and the programs write is not for everybody.
    os.umask(0o027)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            # supervisord and each program open the file on their own, and would write over each other's lines.
            flags = fcntl.fcntl(stream.fileno(), fcntl.F_GETFL)
            fcntl.fcntl(stream.fileno(), fcntl.F_SETFL, flags | os.O_APPEND)
    os.execv(command[0], command)
