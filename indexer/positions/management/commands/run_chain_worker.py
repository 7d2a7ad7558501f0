"""Run one chain's latest and historic loops."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.chains.models import Chain
from indexer.chains.registry import ChainError
from indexer.positions.meter import LOOPS, Meter
from indexer.positions.starting import leave_at_once, wait_for_chain
from indexer.positions.vitals import Vitals, alive, worker_name
from indexer.positions.worker import Worker
from indexer.positions.worker_metrics import PoolOf, WorkerMetrics
from indexer.rpc import Level
from indexer.workers.background import Misconfigured
from indexer.workers.metrics import CannotListen, PortTaken, port, serve_metrics
from indexer.workers.stacks import stacks_on_request

EX_CONFIG = 78


def level(text: str) -> Level:
    try:
        return Level.of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, PortTaken)
    help = (
        "Keep a chain indexed: the latest loop follows the head, the historic loop reads the past of new jobs. "
        "A database or node that is away is waited for. SIGTERM finishes the batch in hand and leaves; SIGHUP reads "
        "RPC_URLS_FILE again. Exit codes: 0 told to stop (or synced), 1 failed, 78 misconfigured (no use in starting "
        "it again unchanged)."
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
            "--level",
            type=level,
            default=Level.CLAIMED,
            help="what ranges of the past are checked against: claimed (a sample is compared with a second endpoint), "
            "agreed (all of it is), bloom or proved (block by block, which costs a request or more for each)",
        )
        parser.add_argument(
            "--head-level",
            type=level,
            default=Level.PROVED,
            help="what single blocks at the head are checked against at most (default: proved)",
        )
        parser.add_argument(
            "--metrics-port",
            type=port,
            help="serve Prometheus metrics on this port of METRICS_HOST; 0 takes a free one, which the log names",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug, only = options["slug"], options["only"]
        meter = Meter([loop for loop in LOOPS if only in (None, loop)])
        vitals = Vitals(worker_name(slug, only_historic=only == "historic"), meter.states, meter)
        leave_at_once(slug)
        try:
            with (
                stacks_on_request(vitals.heart.program, settings.STATE_DIR / "run"),
                serve(slug, meter, options["metrics_port"]) as tell,
                alive(vitals),
            ):
                chain = wait_for_chain(slug, meter, vitals)
                worker = Worker(
                    chain,
                    meter,
                    vitals=vitals,
                    only=only,
                    until_synced=options["until_synced"],
                    level=options["level"],
                    head_level=options["head_level"],
                )
                tell(chain, lambda: worker.pool)
                worker.handle_signals()
                code = worker.run()
                if not code:
                    vitals.leave()
        except (Misconfigured, ChainError, CannotListen) as error:
            raise CommandError(str(error), returncode=EX_CONFIG) from error
        sys.stdout.flush()
        if code:
            raise CommandError("the worker has failed; its log says why", returncode=code)


@contextmanager
def serve(slug: str, meter: Meter, port: int | None) -> Iterator[Callable[[Chain, PoolOf], None]]:
    """Serve the worker's metrics meanwhile, where a port is given: before its database and node answer, too.

    Yields what takes the chain as soon as it is known, and what gives its endpoints.
    """
    if port is None:
        yield lambda chain, pool: None
        return
    stalled_after = timedelta(seconds=settings.STALLED_AFTER_SECONDS)
    with (
        closing(WorkerMetrics(slug, meter, stalled_after)) as metrics,
        serve_metrics(settings.METRICS_HOST, port, metrics),
    ):
        yield metrics.know
