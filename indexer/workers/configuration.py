"""supervisord's configuration for a list of programs. Pure: values in, text out.

How processes come back, and why so. supervisord takes an exit before `startsecs` for a failed start, whatever the exit
code is, and tries again after a pause that grows by a second each time; a later exit is judged by its exit code and, if
it is not one of `exitcodes`, followed by a new start at once. So:

- `startsecs` is START_SECONDS, well above what a start takes on a machine that is busy starting many. What dies sooner
  (a broken release, a database that is away) is started again with growing pauses: after an hour of failing they are
  80 seconds long, after a day seven minutes. `startretries` is no limit in practice: a fault that passes after a night
  must not leave a chain standing until somebody comes.
- What lives longer has worked in that time, so starting it again at once is right, even if it dies again and again: its
  work is kept, and the starts cost no more than one in START_SECONDS.
- Exit codes 0 (told to stop, or synced) and 78 (misconfigured) are final. A program that has them early would be taken
  for a failed start; therefore it waits until START_SECONDS have passed before it leaves (indexer.workers.child).
- A worker that hangs does not end by itself: the overseer kills it, and it comes back by the same rules.

What is in order of time: the overseer and the web server are there before the workers, and go after them. Of several
groups supervisord stops the one with the highest priority first, and waits for it.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.workers.child import FINAL_CODES, NAMED, STACKS, STAY
from indexer.workers.programs import NO_WORKERS, OVERSEER, WEB, Program, ProgramsError

WORKERS = "workers"
"""The group of all workers."""
FIRST, SECOND, LAST = 100, 150, 200
PRIORITIES = {WEB: FIRST, OVERSEER: SECOND}
START_SECONDS = 30
RETRIES = 1_000_000
LOG_BYTES = 20_000_000
LOG_FILES = 5
FEW_BYTES = 1_000_000
LONGEST_SOCKET = 90
"""Bytes of a socket's path: 107 are all that Linux takes, and supervisord makes it under a longer name first."""
# To supervisord's parser these begin a comment or end the line, quoted or not.
UNWRITABLE = (" ;", " #", "\t;", "\t#", "\n", "\r")


class Layout(NamedTuple):
    """Where things are: the interpreter, the project's folder, the run folder with the control socket.

    `log_dir` None: every line goes to supervisord's own stdout, and with `names_lines` each one begins with the name
    of its program.
    """

    python: Path
    project: Path
    run_dir: Path
    log_dir: Path | None
    names_lines: bool = True
    start_seconds: int = START_SECONDS

    @property
    def file(self) -> Path:
        return self.run_dir / "supervisord.conf"

    @property
    def socket(self) -> Path:
        return self.run_dir / "supervisor.sock"

    @property
    def stacks(self) -> Path:
        return self.run_dir / "stacks"


def write_configuration(programs: Sequence[Program], layout: Layout) -> str:
    """The text of supervisord.conf. It has no secrets: the programs inherit their environment.

    Raises ProgramsError for a path that supervisord cannot be told.
    """
    check_paths(layout)
    workers = [program.name for program in programs if program.name not in NO_WORKERS]
    sections = [write_supervisord(layout)]
    if workers:
        # One group: all are told to stop at the same time; the overseer sees to it, and the web server answers.
        sections.append(section(f"group:{WORKERS}", programs=",".join(workers), priority=LAST))
    sections += [write_program(program, layout) for program in programs]
    return "\n".join(sections)


def check_paths(layout: Layout) -> None:
    for path in (layout.python, layout.project, layout.run_dir, layout.log_dir or layout.run_dir):
        if any(mark in str(path) for mark in UNWRITABLE):
            raise ProgramsError(
                f"supervisord cannot be given the path {str(path)!r}: use one without ; or # after a space"
            )
    if '"' in str(layout.run_dir):
        raise ProgramsError(f'supervisord cannot be given the path {layout.run_dir}: use a --run-dir without "')
    if len(str(layout.socket).encode()) > LONGEST_SOCKET:
        raise ProgramsError(
            f"{layout.run_dir} is too long for the socket in it: give a --run-dir of "
            f"{LONGEST_SOCKET - len(layout.socket.name) - 1} bytes at most"
        )


def write_supervisord(layout: Layout) -> str:
    return "\n".join(
        [
            section(
                "supervisord",
                nodaemon="true",
                # With nodaemon it writes to its stdout besides; in the file the overseer reads why a process has ended.
                logfile=(layout.log_dir or layout.run_dir) / "supervisord.log",
                logfile_maxbytes=LOG_BYTES if layout.log_dir else FEW_BYTES,
                logfile_backups=LOG_FILES if layout.log_dir else 1,
                pidfile=layout.run_dir / "supervisord.pid",
                directory=layout.project,
            ),
            section("unix_http_server", file=layout.socket, chmod="0700"),
            section(
                "rpcinterface:supervisor",
                **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
            ),
            section("supervisorctl", serverurl=f"unix://{layout.socket}"),
        ]
    )


def write_program(program: Program, layout: Layout) -> str:
    environment: dict[str, object] = {STAY: layout.start_seconds, STACKS: layout.stacks}
    if layout.names_lines and not layout.log_dir:
        environment[NAMED] = 1
    return section(
        f"program:{program.name}",
        command=shlex.join([str(layout.python), *program.arguments]),
        directory=layout.project,
        environment=",".join(f'{name}="{value}"' for name, value in environment.items()),
        priority=PRIORITIES.get(program.name, LAST),
        autorestart="unexpected",
        exitcodes=",".join(map(str, FINAL_CODES)),
        startsecs=layout.start_seconds,
        startretries=RETRIES,
        stopsignal="TERM",
        stopwaitsecs=program.stop_seconds,
        # gunicorn tells its processes itself, and a worker takes a second signal for haste; but nothing may be left.
        stopasgroup="false",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=layout.log_dir / f"{program.name}.log" if layout.log_dir else "/dev/fd/1",
        stdout_logfile_maxbytes=LOG_BYTES if layout.log_dir else 0,
        stdout_logfile_backups=LOG_FILES,
    )


def section(name: str, **values: object) -> str:
    lines = [f"{key}={str(value).replace('%', '%%')}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])
