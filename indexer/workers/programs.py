"""Which processes a deployment is made of: the overseer, the web server, a worker for each chain, background workers,
helpers with the past.

Pure: it takes the chains and the wishes, and gives the programs. indexer.workers.configuration writes them down for
supervisord.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

WEB = "web"
OVERSEER = "overseer"
NO_WORKERS = frozenset({WEB, OVERSEER})
"""Programs that are no workers: the one serves people, the other watches the workers."""
WEB_STOP_SECONDS = 30
OVERSEER_STOP_SECONDS = 10
WORKER_STOP_SECONDS = 40
"""A worker finishes the batch in hand: at most the 30 seconds that one RPC request may take, and its commit."""
LAST_PORT = 65535


class ProgramsError(Exception):
    """The programs cannot be made as asked; the text says why and what to do."""


class Program(NamedTuple):
    """A process that is kept running. `arguments` follow the Python interpreter, in the project's folder.

    `chain` is that of a chain's worker. A metrics port of 0 is none.
    """

    name: str
    arguments: tuple[str, ...]
    stop_seconds: int
    chain: str = ""
    metrics_port: int = 0


def plan_programs(
    chains: Sequence[str], *, web: bool, historic: int, metrics_port: int, background: Sequence[str] = ()
) -> list[Program]:
    """The overseer, the web server if asked for, each chain's worker, the background workers of these names, and
    `historic` helpers for each chain.

    Workers serve their metrics from `metrics_port` on: helpers come last, so that another number of them moves nobody
    else; 0: they serve none. Raises ProgramsError when the ports run out, and when two programs would have one name.
    """
    programs = [make_overseer(), *([make_web()] if web else [])]
    wanted: list[tuple[str, str, tuple[str, ...]]] = [
        (f"worker-{chain}", chain, ("run_chain_worker", chain)) for chain in chains
    ]
    wanted += [(name, "", ("run_worker", name)) for name in background]
    wanted += [
        (f"historic-{chain}-{number}", chain, ("run_chain_worker", chain, "--only", "historic"))
        for chain in chains
        for number in range(1, historic + 1)
    ]
    if metrics_port and metrics_port + len(wanted) - 1 > LAST_PORT:
        raise ProgramsError(
            f"{len(wanted)} workers with metrics ports from {metrics_port} on go beyond {LAST_PORT}: "
            "choose a smaller METRICS_PORT"
        )
    for place, (name, chain, command) in enumerate(wanted):
        port = metrics_port + place if metrics_port else 0
        served = ("--metrics-port", str(port)) if port else ()
        programs.append(Program(name, ("manage.py", *command, *served), WORKER_STOP_SECONDS, chain, port))
    refuse_doubles(programs)
    return programs


def refuse_doubles(programs: Sequence[Program]) -> None:
    names = [program.name for program in programs]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ProgramsError(
            f"two programs would be called {', '.join(doubles)}: give the background worker of that name another"
        )


def make_web() -> Program:
    return Program(WEB, ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"), WEB_STOP_SECONDS)


def make_overseer() -> Program:
    return Program(OVERSEER, ("manage.py", "oversee"), OVERSEER_STOP_SECONDS)


def full_name(program: str, host: str) -> str:
    """What no other machine's worker is called."""
    return f"{program}@{host}"


def list_targets(programs: Sequence[Program], host: str) -> list[dict[str, Any]]:
    """Where Prometheus finds the workers' metrics, as its file_sd_configs reads it."""
    return [
        {
            "targets": [f"{host}:{program.metrics_port}"],
            "labels": {"program": program.name} | ({"chain": program.chain} if program.chain else {}),
        }
        for program in programs
        if program.metrics_port
    ]
