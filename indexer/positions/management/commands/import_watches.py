"""Import watch lists: which contracts to watch, by which event."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from indexer.access.audit import recorded, shell_actor
from indexer.chains.command import FootprintCommand
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.registry import ChainError, find_chain
from indexer.positions.protocol.imports import Imported, import_watch_list
from indexer.positions.watchlist import WatchList, WatchListError, read_watch_list


class Command(FootprintCommand):
    help = (
        "Import watch list files into the chains they name. All files are checked before the first is imported, and a "
        "bad one is refused whole. Importing the same again changes nothing; running workers take new jobs up."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a watch list in JSON")
        parser.add_argument(
            "--source", default="default", help="who says so; a list replaces only what its own source said before"
        )
        parser.add_argument(
            "--prune", action="store_true", help="disable jobs that the source named before and names no more"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        lists = [self.read(path) for path in options["files"]]
        chains = [chain.slug for chain, _ in lists]
        twice = sorted({slug for slug in chains if chains.count(slug) > 1})
        if twice and options["prune"]:
            raise CommandError(
                f"--prune with several files for {', '.join(twice)}: each would disable the other's jobs"
            )
        for chain, watch_list in lists:
            imported = self.import_list(chain, watch_list, **options)
            self.stdout.write(f"{chain}: {imported.summary}{' (dry run)' if options['dry_run'] else ''}")

    def import_list(
        self, chain: Chain, watch_list: WatchList, *, source: str, prune: bool, dry_run: bool, **rest: Any
    ) -> Imported:
        pruned = ", pruned" if prune else ""
        target = f"source {source}{pruned}, {len(watch_list.entries):,} entries"
        record = recorded(shell_actor(), "import watch list", chain=chain.slug, target=target)
        with nullcontext() if dry_run else record as recording, connect(chain) as connection:
            imported = import_watch_list(
                connection, watch_list, source=source, chain_floor=chain.floor, prune=prune, dry_run=dry_run
            )
            if recording is not None:
                recording.outcome = imported.summary
        return imported

    def read(self, path: Path) -> tuple[Chain, WatchList]:
        try:
            data = json.loads(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{path}: not JSON: {error}") from None
        try:
            chain = find_chain(str(data.get("chain"))) if isinstance(data, dict) else None
            watch_list = read_watch_list(data, chain_id=chain.chain_id if chain else None)
        except WatchListError as error:
            raise CommandError(f"{path} is refused, nothing was imported:\n{error}") from None
        except ChainError as error:
            raise CommandError(f"{path} is refused, nothing was imported: {error}") from None
        return find_chain(watch_list.chain), watch_list
