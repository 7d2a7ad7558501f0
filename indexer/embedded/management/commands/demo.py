"""Footprint at work on this machine alone: live local chains, their workers, the web server."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from indexer.chains.command import FootprintCommand
from indexer.embedded.chain.anvil import AnvilError
from indexer.embedded.chain.compile import CompileError
from indexer.embedded.chain.node import NodeError
from indexer.embedded.chain.packages import PackagesError
from indexer.embedded.demo.database import read_server_version, use_own_database
from indexer.embedded.demo.market import SIZES, TRUE_SIZE
from indexer.embedded.demo.stage import FIRST_SEED, Stage
from indexer.embedded.demo.steps import DemoError, Signals, Steps, Stopped, say
from indexer.embedded.places import make_folder, make_state_dir
from indexer.embedded.postgres import EmbeddedPostgresError, default_server

HISTORY = 400
CHECK_MINUTES = 3.0


class Command(FootprintCommand):
    help = (
        "Start two live local EVM chains with real contracts and traffic, index them, serve the answers, and show how "
        "it goes. Ctrl-C stops everything; the next start goes on from there. With --check: the same without a screen "
        "and on a state of its own, until every answer has been compared with the chains themselves; exit code 0 only "
        "if all are equal. Needs nothing, or a PostgreSQL 15 or later named by DATABASE_URL."
    )
    expected = (
        *FootprintCommand.expected,
        AnvilError,
        CompileError,
        DemoError,
        EmbeddedPostgresError,
        NodeError,
        PackagesError,
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare every answer with the chains, then leave")
        parser.add_argument(
            "--seed", type=int, help="of contracts and traffic (default: 1, or what the last start had)"
        )
        parser.add_argument(
            "--minutes", type=float, help=f"how long the traffic lasts (default: for ever; {CHECK_MINUTES:g} to check)"
        )
        parser.add_argument("--port", type=int, help="of the web server (default: 8000, or the next that is free)")
        parser.add_argument(
            "--market", choices=SIZES, default=TRUE_SIZE, help="size of the market (default: %(default)s)"
        )
        parser.add_argument(
            "--history", type=int, default=HISTORY, help="blocks a new chain begins with (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if importlib.util.find_spec("rich") is None:
            raise CommandError(
                "the demo's packages are missing: `pip install --require-hashes -r requirements-dev.txt` brings them"
            )
        signals = Signals()
        signals.handle()
        try:
            equal = self.run_check(signals, options) if options["check"] else self.run_demo(signals, options)
        except Stopped:
            equal = not options["check"]
        finally:
            connections.close_all()
            if not settings.DATABASE_URL:
                default_server().release()
        if not options["check"]:
            say("Everything is stopped.")
        elif not equal:
            raise SystemExit(1)

    def run_demo(self, signals: Signals, options: dict[str, Any]) -> bool:
        from indexer.embedded.demo.watch import watch

        with ExitStack() as stack:
            folder = stack.enter_context(take_folder("demo"))
            start_database(signals)
            stage = stack.enter_context(raise_stage(folder, signals, {}))
            stage.market_size = options["market"]
            stage.set_up(seed=options["seed"], history=options["history"], port=options["port"])
            watch(stage, signals, options["minutes"])
            say("\nStopping …")
        return True

    def run_check(self, signals: Signals, options: dict[str, Any]) -> bool:
        from indexer.embedded.demo.check import check

        seed = FIRST_SEED if options["seed"] is None else options["seed"]
        minutes = CHECK_MINUTES if options["minutes"] is None else options["minutes"]
        say(f"demo --check: seed {seed}, {minutes:g} minutes of traffic")
        with ExitStack() as stack:
            folder = stack.enter_context(take_folder("check"))
            stack.callback(shutil.rmtree, folder)
            start_database(signals)
            suffix = f"_check_{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
            url = stack.enter_context(use_own_database(suffix))
            stage = stack.enter_context(raise_stage(folder, signals, {"DATABASE_URL": url}))
            stage.market_size = options["market"]
            stage.set_up(seed=seed, history=options["history"], port=options["port"] or 0, fresh=True)
            return check(stage, signals, minutes, seed)


@contextmanager
def take_folder(name: str) -> Iterator[Path]:
    """This project's folder for the demo or the check, whose one user we are. Raises CommandError if we are not."""
    folder = make_state_dir() / name
    make_folder(folder, 0o700)
    make_folder(folder / "logs", 0o700)
    with (folder / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CommandError(
                f"the {name} is running already, as process {lock.read().strip()}: use that one, or stop it first"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield folder


def start_database(signals: Signals) -> None:
    with Steps(signals)("PostgreSQL") as words:
        words.append(read_server_version())


@contextmanager
def raise_stage(folder: Path, signals: Signals, environment: dict[str, str]) -> Iterator[Stage]:
    stage = Stage(folder, signals, environment)
    try:
        yield stage
    finally:
        signals.leaving = True
        stage.take_down(signals.hurry.is_set)
