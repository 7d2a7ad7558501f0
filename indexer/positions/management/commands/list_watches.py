"""List what is watched and how far each job is."""

import json
from argparse import ArgumentParser
from typing import Any

from indexer.chains.command import FootprintCommand
from indexer.chains.connections import connect
from indexer.chains.registry import find_chains
from indexer.positions.listing import JobLine, list_jobs


class Command(FootprintCommand):
    help = "List the jobs of the chains with their labels and their state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chain", metavar="a,b", help="only these chains (default: all)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        for chain in find_chains(options["chain"]):
            with connect(chain) as connection:
                for line in list_jobs(connection):
                    self.stdout.write(
                        json.dumps({"chain": chain.slug, **line._asdict()})
                        if options["json"]
                        else text(chain.slug, line)
                    )


def text(chain: str, line: JobLine) -> str:
    labels = ", ".join(f"{label['protocol']}/{label['product']}" for label in line.labels)
    notes = [line.state]
    notes += [f"{line.unreadable:,} unreadable logs"] if line.unreadable else []
    notes += [line.error] if line.error else []
    return f"{chain} {line.job} {line.contract} from {line.floor:,} {'; '.join(notes)} [{labels}]"
