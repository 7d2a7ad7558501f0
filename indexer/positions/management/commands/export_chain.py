"""Write a chain to a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from indexer.chains.command import FootprintCommand
from indexer.chains.registry import find_chain
from indexer.positions.archive import ArchiveError
from indexer.positions.progress import Progress
from indexer.positions.transfer import export_chain


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, ArchiveError)
    help = (
        "Write all rows of a chain, as they are at this moment, to one file with a digest; import_chain puts them into "
        "another database or back into this one. The worker may be running and is not held up."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain")
        parser.add_argument("file", type=Path, help="the file to make, such as ethereum.zip; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        chain = find_chain(options["slug"])
        manifest, digest = export_chain(chain, options["file"], Progress(self.stderr.write))
        rows = sum(table.rows for table in manifest.tables.values())
        where = "never indexed" if manifest.cursor is None else f"at block {manifest.cursor:,}"
        size = options["file"].stat().st_size
        self.stdout.write(f"{chain} {where}: {rows:,} rows in {size:,} bytes, {options['file']}")
        self.stdout.write(f"digest {digest}")
