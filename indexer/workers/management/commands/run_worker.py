"""Run one background worker."""

import os
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from config.options import EX_CONFIG
from indexer.chains.command import FootprintCommand
from indexer.workers.child import PROGRAM
from indexer.workers.metrics import CannotListen, PortTaken, port, serve_metrics
from indexer.workers.registry import UnknownWorker, find_worker
from indexer.workers.runtime import Runtime
from indexer.workers.stacks import stacks_on_request
from indexer.workers.worker_metrics import HeartMetrics


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, PortTaken)
    help = (
        "Run a background worker: a file in the folder background of an app. A database that is away is waited for; "
        "while its flag is off it rests. SIGTERM finishes the run in hand and leaves. Exit codes: 0 told to stop, "
        "1 failed, 78 misconfigured (no use in starting it again unchanged)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the worker's: that of its file, with - for _")
        parser.add_argument(
            "--metrics-port",
            type=port,
            help="serve Prometheus metrics on this port of METRICS_HOST; 0 takes a free one, which the log names",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = find_worker(options["name"])
            name = os.environ.get(PROGRAM) or found.name
            with ExitStack() as stack:
                stack.enter_context(stacks_on_request(name, settings.STATE_DIR / "run"))
                runtime = Runtime(found, name)
                if options["metrics_port"] is not None:
                    metrics = HeartMetrics(runtime.heart)
                    stack.enter_context(serve_metrics(settings.METRICS_HOST, options["metrics_port"], metrics))
                code = runtime.run()
        except (UnknownWorker, CannotListen) as error:
            raise CommandError(str(error), returncode=EX_CONFIG) from error
        if code:
            raise CommandError(f"{name} cannot work; its log says why", returncode=code)
