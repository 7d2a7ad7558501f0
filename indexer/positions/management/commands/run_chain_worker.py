"""Run one chain's latest and historic loops."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from indexer.chains.command import FootprintCommand
from indexer.chains.registry import ChainError, find_chain
from indexer.positions.schema import unapplied_migrations
from indexer.positions.worker import Misconfigured, Worker
from indexer.positions.worker_metrics import WorkerMetrics
from indexer.workers.metrics import CannotListen, PortTaken, serve_metrics

EX_CONFIG = 78


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise ArgumentTypeError(f"{text!r} is not a port: a number up to 65535 is")
    return int(text)


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, PortTaken)
    help = (
        "Keep a chain indexed: the latest loop follows the head, the historic loop reads the past of new jobs. "
        "SIGTERM finishes the batch in hand and leaves; SIGHUP reads RPC_URLS_FILE again. Exit codes: 0 told to stop "
        "(or synced), 1 failed, 78 misconfigured (no use in starting it again unchanged)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain")
        parser.add_argument(
            "--only",
            choices=["latest", "historic"],
            help="one of the two loops; any number of `--only historic` may help, on any machine",
        )
        parser.add_argument(
            "--until-synced",
            action="store_true",
            help="leave with 0 once the head is reached and every job's past is complete",
        )

        parser.add_argument(
            "--metrics-port",
            type=port,
            help="serve Prometheus metrics on this port of METRICS_HOST; 0 takes a free one, which the log names",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            refuse("the database", unapplied_migrations())
            chain = find_chain(options["slug"])
            refuse(str(chain), unapplied_migrations(chain))
            worker = Worker(chain, only=options["only"], until_synced=options["until_synced"])
            worker.handle_signals()
            # The loops bring their own connections; three a worker are the promise.
            connections.close_all()
            with serve(worker, options["metrics_port"]):
                code = worker.run()
        except (Misconfigured, ChainError, CannotListen) as error:
            raise CommandError(str(error), returncode=EX_CONFIG) from error
        sys.stdout.flush()
        if code:
            raise CommandError("the worker has failed; its log says why", returncode=code)


@contextmanager
def serve(worker: Worker, port: int | None) -> Iterator[None]:
    """Serve the worker's metrics meanwhile, where a port is given: before its node answers, too."""
    if port is None:
        yield
        return
    stalled_after = timedelta(seconds=settings.STALLED_AFTER_SECONDS)
    with (
        closing(WorkerMetrics(worker.chain, worker.meter, stalled_after, pool=worker.current_pool)) as metrics,
        serve_metrics(settings.METRICS_HOST, port, metrics),
    ):
        yield


def refuse(what: str, missing: list[str]) -> None:
    if missing:
        raise Misconfigured(f"{what} has unapplied migrations ({', '.join(missing)}): run manage.py migrate_schemas")
