"""Put a chain that export_chain has written into this database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from indexer.access.audit import recorded, shell_actor
from indexer.chains.command import FootprintCommand
from indexer.positions.archive import ArchiveError, Reader
from indexer.positions.progress import Progress
from indexer.positions.transfer import import_chain


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, ArchiveError)
    help = (
        "Put an exported chain into this database: all of it, checked against the file's digest, or nothing. The chain "
        "is added where it is missing. Its worker must be stopped; started again, it goes on from the export's block,"
        " and takes back what a reorg has replaced since. Lookups go on with the old rows until the end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what export_chain has made")
        parser.add_argument("--as", dest="slug", help="another name for the chain than it had")
        parser.add_argument("--replace", action="store_true", help="take the place of the rows that the chain has here")

    def handle(self, *args: Any, **options: Any) -> None:
        with Reader(options["file"]) as reader:
            manifest = reader.manifest
            target = f"export of {manifest.made_at}, digest {reader.digest}"
            with recorded(shell_actor(), "import chain", chain=(options["slug"] or manifest.chain)[:40], target=target):
                chain = import_chain(
                    reader, Progress(self.stderr.write), slug=options["slug"], replace=options["replace"]
                )
        rows = sum(table.rows for table in manifest.tables.values())
        where = "never indexed" if manifest.cursor is None else f"at block {manifest.cursor:,}"
        self.stdout.write(f"{chain} {where}: {rows:,} rows, as exported at {manifest.made_at}")
        self.stdout.write(f"digest {reader.digest}")
