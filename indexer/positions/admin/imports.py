"""Importing a watch list: first what it would change, then, for exactly the same content, the change."""

import json
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from psycopg import OperationalError

from indexer.access.audit import recorded
from indexer.access.models import AuditEntry
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.picker import SPOKEN_OF, chain_of
from indexer.positions.address import checksum
from indexer.positions.admin.base import ChainModelAdmin
from indexer.positions.admin.import_form import ImportForm
from indexer.positions.admin.present import event_text
from indexer.positions.protocol.imports import Change, Imported, import_watch_list
from indexer.positions.watchlist import WatchList, WatchListError, read_watch_list

ACTION = "import watch list"
SALT = "footprint.watch-list"
AGREED_FOR = 3600
"""Seconds for which what a dry run has shown may be imported."""
SHOWN_PROBLEMS = 500
KINDS = {
    "added": ("good", "new jobs"),
    "replaced": ("warn", "jobs replaced by another definition"),
    "enabled again": ("info", "jobs enabled again"),
    "disabled": ("warn", "jobs disabled, since the list names them no more"),
    "floor lowered": ("info", "jobs read from an earlier block on"),
}


class Agreement(NamedTuple):
    """What a dry run was about: signed into the page that shows it, and asked again before the import."""

    digest: str
    chain: str
    source: str
    prune: bool
    user: int

    def sign(self) -> str:
        return signing.dumps(list(self), salt=SALT)

    def is_given(self, token: str) -> bool:
        try:
            return bool(signing.loads(token, salt=SALT, max_age=AGREED_FOR) == list(self))
        except signing.BadSignature:
            return False


def parse(content: bytes, chain: Chain) -> WatchList:
    """Raises WatchListError, also for what is no JSON and for a list of another chain."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WatchListError([f"not JSON: {error}"]) from None
    watch_list = read_watch_list(data, chain_id=chain.chain_id)
    if watch_list.chain != chain.slug:
        raise WatchListError([f"chain is {watch_list.chain!a}, but the chain chosen above is {chain.slug}: choose it"])
    return watch_list


def import_page(page: ChainModelAdmin, request: HttpRequest) -> HttpResponse:
    """The form; posted, what the list would change; posted again with what that page was about, the import."""
    if not page.has_operate_permission(request):
        raise PermissionDenied
    chain = chain_of(request)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    findings: dict[str, Any] = {}
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        agreement = Agreement(
            sha256(asked["content"]).hexdigest(), chain.slug, asked["source"], asked["prune"], request.user.pk or 0
        )
        try:
            watch_list = parse(asked["content"], chain)
            if asked["agreed"] and agreement.is_given(asked["agreed"]):
                return redirect("admin:positions_job_imported", import_now(request, chain, watch_list, agreement))
            findings = dry_run(chain, watch_list, agreement) | {"changed": bool(asked["agreed"])}
        except WatchListError as error:
            findings = refused(error)
        except OperationalError:
            findings = {"gave_up": True}
    context = {
        **page.admin_site.each_context(request),
        "title": f"Import a watch list into {chain}",
        "chain": chain,
        "spoken_of": SPOKEN_OF,
        "form": form,
        "limit": f"{settings.WATCH_LIST_LIMIT / 2**20:g} MB",
        **findings,
    }
    refusal = bool(form.errors) or "problems" in findings
    status = 503 if "gave_up" in findings else 400 if refusal else 200
    return render(request, "positions/admin/import.html", context, status=status)


def refused(error: WatchListError) -> dict[str, Any]:
    return {
        "problems": error.problems[:SHOWN_PROBLEMS],
        "problem_count": f"{len(error.problems):,}",
        "more_problems": max(0, len(error.problems) - SHOWN_PROBLEMS),
    }


def dry_run(chain: Chain, watch_list: WatchList, agreement: Agreement) -> dict[str, Any]:
    with connect(chain) as connection:
        imported = import_watch_list(
            connection,
            watch_list,
            source=agreement.source,
            chain_floor=chain.floor,
            prune=agreement.prune,
            dry_run=True,
            list_changes=True,
        )
    return {"imported": imported, "said": imported.summary, "groups": group(imported), "agreed": agreement.sign()}


def import_now(request: HttpRequest, chain: Chain, watch_list: WatchList, agreement: Agreement) -> int:
    """Import, and give the number of the audit's entry about it."""
    prune = ", pruned" if agreement.prune else ""
    target = f"source {agreement.source}{prune}, {len(watch_list.entries):,} entries, sha256 {agreement.digest}"
    with recorded(request.user.get_username(), ACTION, chain=chain.slug, target=target) as recording:
        with connect(chain) as connection:
            imported = import_watch_list(
                connection, watch_list, source=agreement.source, chain_floor=chain.floor, prune=agreement.prune
            )
        recording.outcome = imported.summary
    return int(recording.entry.pk)


def group(imported: Imported) -> list[dict[str, Any]]:
    """The changes by kind: how many there are, and the first of them."""
    counts = {
        "added": imported.added,
        "replaced": imported.retired,
        "enabled again": imported.revived,
        "disabled": imported.disabled,
        "floor lowered": imported.lowered,
    }
    return [
        {
            "kind": kind,
            "colour": KINDS[kind][0],
            "meaning": KINDS[kind][1],
            "count": f"{count:,}",
            "changes": [show(change) for change in imported.changes if change.kind == kind],
        }
        for kind, count in counts.items()
        if count
    ]


def show(change: Change) -> dict[str, str]:
    return {
        "contract": checksum(change.definition.contract),
        "event": event_text(change.definition),
        "labels": ", ".join(change.labels) or "–",
        "floor": f"{change.floor:,}",
    }


def imported_page(page: ChainModelAdmin, request: HttpRequest, entry: int) -> HttpResponse:
    """What an import did, as the audit has it."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    found = AuditEntry.objects.filter(pk=entry, action=ACTION).first()
    if found is None:
        raise Http404(f"there is no import {entry}")
    context = {
        **page.admin_site.each_context(request),
        "title": f"Imported into {found.chain}",
        "entry": found,
    }
    return render(request, "positions/admin/imported.html", context)
