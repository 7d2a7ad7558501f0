"""Write a new background worker and its test."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.workers.scaffold import ScaffoldError, plan_worker, write_scaffold


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, ScaffoldError)
    help = (
        "Write a new background worker, indexer/ROOM/background/NAME.py, and its test; both pass as they are. It is "
        "found by itself: `manage.py run_worker NAME` runs it. docs/workers.md says what it may use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="small letters and digits, with dashes between, such as nft-floors")
        parser.add_argument(
            "--task",
            action="store_true",
            help="a function that is called again and again, instead of a class with a loop of its own",
        )
        parser.add_argument("--room", default="workers", help="the folder of indexer/ (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        scaffold = plan_worker(options["name"], options["room"], task=options["task"], project=settings.BASE_DIR)
        try:
            write_scaffold(scaffold)
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from error
        for path in (scaffold.worker, scaffold.test):
            self.stdout.write(f"written: {path.relative_to(settings.BASE_DIR)}")
        self.stdout.write(f"next: manage.py run_worker {options['name']}")
