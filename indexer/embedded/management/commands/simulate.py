"""Run seeds of the simulation: chains, endpoints, users and failures that follow from a number."""

import importlib
import importlib.util
import logging
import os
import shlex
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.test.utils import setup_databases, teardown_databases

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, schema_of


class Command(BaseCommand):
    help = (
        "Let generated chains grow and reorganise, their endpoints lie and fail, processes be killed and jobs change, "
        "each life as its seed says; and compare the tables with the truth, which is known. Needs the tests and what "
        "requirements-dev.txt brings. The database server is DATABASE_URL's, otherwise the embedded one; a database of "
        "its own is made there and removed at the end. Exit code 1 when a seed failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seeds", type=int, default=100, metavar="N", help="how many (100)")
        parser.add_argument("--from", type=int, default=0, metavar="M", dest="first", help="the first of them (0)")
        parser.add_argument("--seed", type=int, metavar="K", help="this one alone, with all that is known of it")
        parser.add_argument("--keep", action="store_true", help="leave the database there, with the last seed's tables")
        parser.add_argument(
            "--only",
            metavar="FAULTS",
            help="these faults instead of the seed's own: names with + between them, each with @RATE if not always; of "
            "all endpoints, or with / between those of each; an empty text for none",
        )
        parser.add_argument("--late", action="store_true", help="they have them after a third of the life only")
        parser.add_argument("--crowded", action="store_true", help="two latest loops overtake each other all the time")
        parser.add_argument(
            "--without", action="append", default=[], metavar="NAME", help="switch a check off, to see who notices"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.run, mutations = import_simulation("run"), import_simulation("mutations")
        unknown = sorted(set(options["without"]) - set(mutations.MUTATIONS))
        if unknown:
            raise CommandError(f"no check is called {unknown[0]!r}; there are: {', '.join(mutations.MUTATIONS)}")
        alone = options["seed"] is not None
        seeds = [options["seed"]] if alone else range(options["first"], options["first"] + options["seeds"])
        self.plan_of(seeds[0], options)
        # What the loops say of a thousand faults is of use only where one seed is looked at.
        logging.disable(logging.NOTSET if alone and options["verbosity"] > 1 else logging.CRITICAL)
        failed, began = [], time.monotonic()
        with ExitStack() as stack:
            chain = stack.enter_context(a_chain(keep=options["keep"]))
            connection = stack.enter_context(connect(chain))
            stack.enter_context(mutations.without(options["without"]))
            for seed in seeds:
                outcome = self.live(seed, chain, connection, options)
                if outcome.problem:
                    failed.append(seed)
                if outcome.problem or alone:
                    self.tell(outcome, options)
        if failed:
            raise CommandError(f"{len(failed)} of {len(seeds)} seeds failed: {', '.join(map(str, failed))}")
        self.stdout.write(f"{len(seeds)} seeds in {time.monotonic() - began:.0f} s: what they promise holds")

    def live(self, seed: int, chain: Chain, connection: Connection, options: dict[str, Any]) -> Any:
        """The outcome of one seed, which is said in a line."""
        began = time.monotonic()
        plan = self.plan_of(seed, options)
        outcome = self.run.live(plan, chain, connection)
        if not outcome.problem and not options["without"]:
            least = self.run.count_least(plan, chain, connection)
            times = outcome.requests / least
            said = f"{outcome.requests:,} requests, {times:.1f} times the least"
            if times > self.run.MOST_TIMES:
                outcome.problem = f"{said}: more than {self.run.MOST_TIMES} times"
        else:
            said = f"{outcome.requests:,} requests"
        word = "FAILED" if outcome.problem else "ok"
        self.stdout.write(f"seed {seed}: {word}, {time.monotonic() - began:.1f} s, {said}")
        return outcome

    def plan_of(self, seed: int, options: dict[str, Any]) -> Any:
        try:
            return self.run.plan_of(seed, options["only"], late=options["late"], crowded=options["crowded"])
        except LookupError as error:
            raise CommandError(f"no fault is called {error}; tests/simulation/kinds.py has their names") from None

    def tell(self, outcome: Any, options: dict[str, Any]) -> None:
        """All that is known of a seed, and how it is seen again."""
        self.stdout.write(str(outcome.plan))
        for name, counts in (
            ("faults", outcome.done),
            ("raised", outcome.errors),
            ("proved wrong", outcome.blamed),
        ):
            said = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
            self.stdout.write(f"  {name}: {said or 'none'}")
        if outcome.problem:
            self.stdout.write(f"  {outcome.problem}")
            words = ["manage.py", "simulate", "--seed", str(outcome.plan.seed), "-v", "2"]
            if options["only"] is not None:
                words += ["--only", options["only"], *["--late"] * options["late"]]
            words += ["--crowded"] * options["crowded"]
            for name in options["without"]:
                words += ["--without", name]
            self.stdout.write(f"  again: {shlex.join(words)}")


def import_simulation(name: str) -> ModuleType:
    """A module of tests/simulation. Raises CommandError where the tests or what they need are not here."""
    if importlib.util.find_spec("tests") is None or importlib.util.find_spec("tests.simulation") is None:
        raise CommandError("the simulation is part of the tests, which are not here: run it in a checkout")
    try:
        return importlib.import_module(f"tests.simulation.{name}")
    except ModuleNotFoundError as error:
        raise CommandError(
            f"{error.name} is missing here: `pip install --require-hashes -r requirements-dev.txt` brings it."
        ) from None


@contextmanager
def a_chain(*, keep: bool) -> Iterator[Chain]:
    """An empty chain in a database of its own, which is made here and removed at the end."""
    # Several may run side by side.
    database = f"simulation_{os.getpid()}"
    connections["default"].settings_dict["TEST"]["NAME"] = database
    made = setup_databases(verbosity=0, interactive=False, aliases={"default": None})
    try:
        chain = Chain(schema_name=schema_of("hilltop"), slug="hilltop", chain_id=31337)
        chain.save(verbosity=0)
        yield chain
    finally:
        if keep:
            print(f"kept: database {database}, schema {schema_of('hilltop')}", file=sys.stderr)
        else:
            teardown_databases(made, verbosity=0)
