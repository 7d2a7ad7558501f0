"""Run the test suite."""

import importlib.util
import os
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from indexer.embedded.places import project_dir


class Command(BaseCommand):
    help = (
        "Run the test suite but for its slow part, which `manage.py test -m slow` runs, or what pytest's arguments "
        "choose: `manage.py test -k reorg -x` is `pytest -k reorg -x`, with paths relative to the project. The "
        "database server is DATABASE_URL's, otherwise the embedded one; the tests make one of their own on it. The "
        "exit code is pytest's: 0 when every test passed. `pytest --help` lists its options."
    )

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass everything on untouched: pytest's options are not ours to parse."""
        if set(argv[2:]) & {"--help", "-h"}:
            self.print_help(argv[0], argv[1])
        else:
            self.handle(*argv[2:])

    def print_help(self, prog_name: str, subcommand: str) -> None:
        usage = f"{prog_name} {subcommand} [pytest's arguments]"
        ArgumentParser(usage=usage, description=self.help, add_help=False).print_help()

    def handle(self, *args: str, **options: Any) -> NoReturn:
        """Leave with the exit code of pytest."""
        if importlib.util.find_spec("pytest") is None:
            sys.exit("pytest is missing here: `pip install --require-hashes -r requirements-dev.txt` brings it.")
        import pytest

        os.chdir(project_dir())
        sys.exit(int(pytest.main(list(args))))
