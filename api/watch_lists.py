"""POST /api/v1/watch-lists: make a chain watch what a list names, or say what that would change."""

from typing import Annotated, Any, Literal

from django import forms
from msgspec import Meta, Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api import openapi_examples as examples
from api.openapi import documented
from api.parameters import Flag, Text, read_parameters
from api.rest import RestView, refused
from indexer.access.scopes import WRITE_WATCHES
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.jobs import Event, write_event
from indexer.positions.lookup import Eip55
from indexer.positions.protocol.imports import SHOWN_CHANGES, Change, Imported, import_watch_list
from indexer.positions.watchlist import WatchList, WatchListError, read_watch_list


class ImportForm(forms.Form):
    source = Text(
        initial="default", help_text="who says so; a list replaces only what its own source said before (default)"
    )
    prune = Flag(help_text="true: disable jobs that the source named before and names no more")
    dry_run = Flag(help_text="true: say what would change, change nothing")


class WatchedContracts(Struct):
    """Contracts with one event under one label; README.md says which forms there are."""

    protocol: str
    product: str
    event: Annotated[Any, Meta(description='"Transfer", {topic0, user_topic}, {abi, user, …} or false')]
    contracts: Annotated[list[Any], Meta(description="addresses, or objects {address, start_block}")]
    start_block: int | None = None


class WatchListBody(Struct):
    """A watch list, for the chain that it names."""

    chain: str
    chain_id: int
    watches: list[WatchedContracts]


class ImportedChange(Struct):
    """What happens to one job; `job` is null for one that a dry run would add."""

    kind: Literal["added", "enabled again", "replaced", "disabled", "floor lowered"]
    job: int | None
    contract: Eip55
    event: Event
    floor: int
    labels: Annotated[list[str], Meta(description="protocol/product, without those that go")]


class ImportAnswer(Struct):
    """What an import did, or would do: numbers of jobs, but for `entries` and `labels`."""

    chain: str
    chain_id: int
    source: str
    dry_run: bool
    entries: Annotated[int, Meta(description="contracts in the list")]
    without_event: Annotated[int, Meta(description="entries whose event is false")]
    added: int
    enabled_again: int
    replaced: int
    disabled: int
    floor_lowered: int
    labels: Annotated[int, Meta(description="labels added")]
    changes: Annotated[list[ImportedChange], Meta(description=f"the first {SHOWN_CHANGES:,} of each kind, by contract")]


class WatchLists(RestView):
    write_scope = WRITE_WATCHES
    body_limit_setting = "WATCH_LIST_LIMIT"

    @documented(
        "importWatchList",
        "Import a watch list",
        tag="Watch lists",
        answer=ImportAnswer,
        example=examples.IMPORT,
        parameters=[ImportForm],
        body=WatchListBody,
        bodies={"one product": examples.WATCH_LIST},
    )
    def post(self, request: Request) -> Response:
        """The list is checked whole before anything is imported, and a bad one is refused with every reason. Importing
        the same again changes nothing.
        """
        asked = read_parameters(request.GET, ImportForm)
        source, prune, dry_run = asked["source"], bool(asked["prune"]), bool(asked["dry_run"])
        chain, watch_list = self.read(self.read_json(request, object))

        def import_it() -> Imported:
            with connect(chain) as connection:
                return import_watch_list(
                    connection,
                    watch_list,
                    source=source,
                    chain_floor=chain.floor,
                    prune=prune,
                    dry_run=dry_run,
                    list_changes=True,
                )

        if dry_run:
            imported = import_it()
        else:
            target = f"{len(watch_list.entries):,} entries of {source}{', pruned' if prune else ''}"
            with self.recorded("import watch list", chain, target) as recording:
                imported = import_it()
                recording.outcome = (
                    f"{imported.added:,} added, {imported.revived:,} enabled again, {imported.retired:,} replaced, "
                    f"{imported.disabled:,} disabled, {imported.lowered:,} floors lowered"
                )
        return Response(read_imported(chain, source, imported, dry_run=dry_run))

    def read(self, body: object) -> tuple[Chain, WatchList]:
        """The list and the chain it names. Raises Problem with a sentence for each wrong entry."""
        self.chains.forget()
        known = {chain.slug: chain for chain in self.chains.read()}
        named = body.get("chain") if isinstance(body, dict) else None
        chain = known.get(named) if isinstance(named, str) else None
        try:
            watch_list = read_watch_list(body, chain_id=chain.chain_id if chain else None)
        except WatchListError as error:
            raise refused(error.problems) from None
        if chain is None:
            raise refused([f"there is no chain {watch_list.chain}; chains: {', '.join(known) or 'none yet'}"])
        return chain, watch_list


def read_imported(chain: Chain, source: str, imported: Imported, *, dry_run: bool) -> ImportAnswer:
    return ImportAnswer(
        chain=chain.slug,
        chain_id=chain.chain_id,
        source=source,
        dry_run=dry_run,
        entries=imported.entries,
        without_event=imported.without_event,
        added=imported.added,
        enabled_again=imported.revived,
        replaced=imported.retired,
        disabled=imported.disabled,
        floor_lowered=imported.lowered,
        labels=imported.labels,
        changes=[read_change(change, dry_run=dry_run) for change in imported.changes],
    )


def read_change(change: Change, *, dry_run: bool) -> ImportedChange:
    definition = change.definition
    return ImportedChange(
        kind=change.kind,  # type: ignore[arg-type]  # one of those that imports.Change names
        job=None if dry_run and change.kind == "added" else change.job,
        contract=checksum(definition.contract),
        event=write_event(
            f"0x{definition.topic0.hex()}",
            definition.user_topic,
            definition.abi,
            definition.user_argument,
            definition.metadata_argument,
            definition.transform,
        ),
        floor=change.floor,
        labels=change.labels,
    )
