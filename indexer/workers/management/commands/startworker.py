"""Write a new background worker and its test."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.workers.scaffold import ScaffoldError, plan_task, plan_worker, write_scaffold


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, ScaffoldError)
    help = (
        "Write a new background worker, indexer/ROOM/background/NAME.py, or with --task a new task of scheduled work, "
        "indexer/ROOM/scheduled/NAME.py, and its test; both pass as they are. It is found by itself. docs/workers.md "
        "and docs/tasks.md say what it may use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="small letters and digits, with dashes between, such as nft-floors")
        parser.add_argument(
            "--task",
            action="store_true",
            help="scheduled work, which begins and ends, instead of a worker with a loop of its own",
        )
        parser.add_argument("--room", help="the folder of indexer/ (default: workers, or tasks for a task)")

    def handle(self, *args: Any, **options: Any) -> None:
        name, is_task = options["name"], options["task"]
        room = options["room"] or ("tasks" if is_task else "workers")
        scaffold = (plan_task if is_task else plan_worker)(name, room, project=settings.BASE_DIR)
        try:
            write_scaffold(scaffold)
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from error
        for path in (scaffold.file, scaffold.test):
            self.stdout.write(f"written: {path.relative_to(settings.BASE_DIR)}")
        self.stdout.write(f"next: manage.py {f'tasks run {name} --wait' if is_task else f'run_worker {name}'}")
