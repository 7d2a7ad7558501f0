"""Read the past of jobs again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indexer.access.audit import recorded, shell_actor
from indexer.chains.command import FootprintCommand
from indexer.chains.connections import connect
from indexer.chains.registry import find_chain
from indexer.positions.protocol.jobs import rescan_jobs


class Command(FootprintCommand):
    help = (
        "Read jobs again from a block on, while the chain's worker goes on: it adds what is missing. Until that is "
        "done, lookups name the jobs' contracts in check_also."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain")
        parser.add_argument("--job", type=int, action="append", required=True, help="a job's id; may be repeated")
        parser.add_argument("--from", type=int, default=0, dest="from_block", help="the first block (default 0)")

    def handle(self, *args: Any, **options: Any) -> None:
        chain = find_chain(options["slug"])
        if options["from_block"] < 0:
            raise CommandError("--from is a block number")
        with connect(chain) as connection:
            rows = connection.execute("SELECT id FROM jobs WHERE id = ANY(%s) AND NOT retired", [options["job"]])
            unknown = set(options["job"]) - {job for (job,) in rows}
            if unknown:
                raise CommandError(
                    f"{chain} has no job {', '.join(map(str, sorted(unknown)))}: see manage.py list_watches"
                )
            target = f"jobs {', '.join(map(str, options['job']))} from block {options['from_block']:,}"
            with recorded(shell_actor(), "rescan jobs", chain=chain.slug, target=target) as recording:
                changed = rescan_jobs(connection, options["job"], options["from_block"])
                recording.outcome = f"{changed:,} going to be read again"
        self.stdout.write(f"{chain}: {changed} jobs will be read again from block {options['from_block']:,}")
