"""Which processes a deployment is made of: the web server, one worker for each chain, helpers with the past.

Pure: it takes the chains and the wishes, and gives the programs. indexer.workers.configuration writes them down for
supervisord.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

WEB = "web"
WEB_STOP_SECONDS = 30
WORKER_STOP_SECONDS = 40
"""A worker finishes the batch in hand: at most the 30 seconds that one RPC request may take, and its commit."""
LAST_PORT = 65535


class ProgramsError(Exception):
    """The programs cannot be made as asked; the text says why and what to do."""


class Program(NamedTuple):
    """A process that is kept running. `arguments` follow the Python interpreter, in the project's folder.

    `chain` and `metrics_port` are those of a chain's worker; a metrics port of 0 is none.
    """

    name: str
    arguments: tuple[str, ...]
    stop_seconds: int
    chain: str = ""
    metrics_port: int = 0


def plan_programs(chains: Sequence[str], *, web: bool, historic: int, metrics_port: int) -> list[Program]:
    """The web server if asked for, each chain's worker, and `historic` helpers for each chain.

    Workers serve their metrics from `metrics_port` on: first the chains' workers, so that another number of helpers
    moves none of them; 0: they serve none. A dash cannot stand in a chain's name, so no two programs have the same.
    Raises ProgramsError when the ports run out.
    """
    programs = [make_web()] if web else []
    wanted = [(f"worker-{chain}", chain, ()) for chain in chains] + [
        (f"historic-{chain}-{number}", chain, ("--only", "historic"))
        for chain in chains
        for number in range(1, historic + 1)
    ]
    if metrics_port and metrics_port + len(wanted) - 1 > LAST_PORT:
        raise ProgramsError(
            f"{len(wanted)} workers with metrics ports from {metrics_port} on go beyond {LAST_PORT}: "
            "choose a smaller METRICS_PORT"
        )
    for place, (name, chain, options) in enumerate(wanted):
        port = metrics_port + place if metrics_port else 0
        served = ("--metrics-port", str(port)) if port else ()
        arguments = ("manage.py", "run_chain_worker", chain, *options, *served)
        programs.append(Program(name, arguments, WORKER_STOP_SECONDS, chain, port))
    return programs


def make_web() -> Program:
    return Program(WEB, ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"), WEB_STOP_SECONDS)


def list_targets(programs: Sequence[Program], host: str) -> list[dict[str, Any]]:
    """Where Prometheus finds the workers' metrics, as its file_sd_configs reads it."""
    return [
        {
            "targets": [f"{host}:{program.metrics_port}"],
            "labels": {"chain": program.chain, "program": program.name},
        }
        for program in programs
        if program.metrics_port
    ]
