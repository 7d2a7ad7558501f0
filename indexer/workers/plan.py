"""The options that supervisor_config and run_workers share, and what they make of them."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import CommandError

from config.options import EX_CONFIG
from indexer.chains.command import FootprintCommand
from indexer.chains.registry import ChainError, find_chains
from indexer.workers.configuration import START_SECONDS, Layout
from indexer.workers.programs import Program, ProgramsError, plan_programs
from indexer.workers.registry import UnknownWorker, find_worker, found
from indexer.workers.run_folder import choose_log_dir

STDOUT = 1


class Plan(NamedTuple):
    programs: list[Program]
    layout: Layout


class PlanningCommand(FootprintCommand):
    """A command about the programs of --chains, --web, --historic and --background.

    What is misconfigured leaves with 78.
    """

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chains", metavar="a,b", help="only these chains (default: CHAINS, or else all)")
        parser.add_argument("--web", action="store_true", help="run the web server, too")
        parser.add_argument(
            "--historic",
            type=count,
            metavar="N",
            help="processes for each chain that help with the past, beside its worker (default: HISTORIC_HELPERS)",
        )
        parser.add_argument(
            "--background", metavar="a,b", help='only these background workers (default: all; "" for none)'
        )
        parser.add_argument(
            "--run-dir", help="where the configuration and the control socket lie (default: run/ in the state folder)"
        )
        parser.add_argument(
            "--start-seconds",
            type=count,
            default=START_SECONDS,
            metavar="N",
            help="what ends sooner is a failed start, and comes back after growing pauses (default: %(default)s)",
        )

    def plan(self, options: dict[str, Any]) -> Plan:
        """Raises CommandError with exit code 78 for chains that are not there."""
        wanted = options["chains"]
        if wanted is None:
            wanted = ",".join(settings.OPTIONS.names("CHAINS")) or None
        historic = options["historic"]
        if historic is None:
            historic = settings.OPTIONS.number("HISTORIC_HELPERS")
        try:
            slugs = [str(chain.slug) for chain in find_chains(wanted)]
        except ChainError as error:
            raise misconfigured(error) from error
        if not slugs:
            raise misconfigured(
                "there is no chain to work for: `manage.py add_chain ethereum` adds one, "
                "`manage.py setup` all that have RPC_URLS_<CHAIN>"
            )
        try:
            programs = plan_programs(
                slugs,
                web=options["web"],
                historic=historic,
                metrics_port=settings.OPTIONS.number("METRICS_PORT"),
                background=self.choose_background(options["background"]),
            )
        except ProgramsError as error:
            raise misconfigured(error) from error
        return Plan(programs, self.lay_out(options["run_dir"], options["start_seconds"]))

    def choose_background(self, wanted: str | None) -> list[str]:
        """The names of the background workers; all of them unless some are wanted. Raises CommandError."""
        if wanted is None:
            return [each.name for each in found()]
        try:
            return [find_worker(name.strip()).name for name in wanted.split(",") if name.strip()]
        except UnknownWorker as error:
            raise misconfigured(error) from error

    def lay_out(self, run_dir: str | None, start_seconds: int) -> Layout:
        folder = Path(run_dir).absolute() if run_dir else settings.STATE_DIR / "run"
        return Layout(
            python=Path(sys.executable),
            project=settings.BASE_DIR,
            run_dir=folder,
            log_dir=choose_log_dir(settings.OPTIONS.text("LOG_DIR"), folder, STDOUT),
            # An object a line would be none any more with a name before it; the program is one of its fields.
            names_lines=settings.OPTIONS.text("LOG_FORMAT") != "json",
            start_seconds=start_seconds,
        )


def misconfigured(reason: object) -> CommandError:
    return CommandError(str(reason), returncode=EX_CONFIG)


def count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)
