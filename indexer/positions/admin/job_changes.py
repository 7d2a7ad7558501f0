"""Disabling, enabling and rescanning jobs: a page that says what will happen, then the change itself."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from psycopg import OperationalError
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from indexer.access.audit import recorded
from indexer.chains.connections import Connection, connect
from indexer.chains.picker import SPOKEN_OF, chain_of
from indexer.positions.address import checksum
from indexer.positions.admin.base import ChainModelAdmin
from indexer.positions.admin.present import labels_text
from indexer.positions.models import Job
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from indexer.positions.watchlist import MAX_BLOCK

AT_ONCE = 100_000
SHOWN_JOBS = 10


class Kind(NamedTuple):
    """A change of jobs: `name` in forms, `audit` in the record, `does` what it makes of the jobs, `done` afterwards."""

    name: str
    title: str
    audit: str
    effects: tuple[str, ...]
    done: str
    does: Callable[[Connection, list[int], int], int]


DISABLE = Kind(
    "disable",
    "Disable",
    "disable jobs",
    (
        "They are watched no more from the next block on, and answers stop naming their contracts.",
        "What is stored stays, so that enabling them later reads only what was missed.",
    ),
    "disabled",
    lambda connection, jobs, from_block: disable_jobs(connection, jobs),
)
ENABLE = Kind(
    "enable",
    "Enable",
    "enable jobs",
    (
        "The latest loop takes them up within a few blocks, the historic loop reads what was missed meanwhile.",
        "Until that is done, answers name their contracts in check_also.",
    ),
    "enabled",
    lambda connection, jobs, from_block: enable_jobs(connection, jobs),
)
RESCAN = Kind(
    "rescan",
    "Rescan",
    "rescan jobs",
    (
        "Their logs are read again from the block on that you give, while the worker goes on. That costs requests.",
        "What is stored stays; what was missing is added, and unreadable logs are counted anew.",
        "Until that is done, answers name their contracts in check_also.",
    ),
    "going to be read again",
    rescan_jobs,
)
KINDS = {kind.name: kind for kind in (DISABLE, ENABLE, RESCAN)}


class ChangeForm(forms.Form):
    """What the confirming page sends. Numbers of jobs have spaces between, as one field: there may be many."""

    kind = forms.ChoiceField(choices=[(name, name) for name in KINDS], widget=forms.HiddenInput)
    jobs = forms.CharField(widget=forms.HiddenInput, max_length=10 * AT_ONCE)
    from_block = forms.IntegerField(
        min_value=0,
        max_value=MAX_BLOCK,
        required=False,
        initial=0,
        label="From block",
        help_text="The first block to read again. 0: all of them, from each job's floor on.",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean_jobs(self) -> list[int]:
        words = self.cleaned_data["jobs"].split()
        if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
            raise forms.ValidationError("These are no numbers of jobs.")
        return [int(word) for word in words]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("kind") == RESCAN.name and found.get("from_block") is None and "from_block" not in self.errors:
            self.add_error("from_block", "Say from which block on; 0 reads everything again.")
        return found


def confirm(page: ChainModelAdmin, request: HttpRequest, kind: Kind, queryset: QuerySet[Job]) -> HttpResponse:
    """The page that says what will happen to these jobs."""
    jobs = list(queryset.filter(retired=False).order_by("id").values_list("pk", flat=True)[: AT_ONCE + 1])
    if not jobs or len(jobs) > AT_ONCE:
        said = f"These are more than {AT_ONCE:,} jobs: filter the list." if jobs else "Those jobs are retired or gone."
        messages.error(request, said)
        return redirect("admin:positions_job_changelist")
    form = ChangeForm(initial={"kind": kind.name, "jobs": " ".join(map(str, jobs))})
    return show_form(page, request, kind, form, jobs)


def show_form(
    page: ChainModelAdmin, request: HttpRequest, kind: Kind, form: ChangeForm, jobs: list[int], status: int = 200
) -> HttpResponse:
    shown = page.get_queryset(request).filter(pk__in=jobs[:SHOWN_JOBS]).order_by("id")
    context = {
        **page.admin_site.each_context(request),
        "title": f"{kind.title} {len(jobs):,} job{'s' * (len(jobs) != 1)} of {chain_of(request)}",
        "kind": kind,
        "form": form,
        "asks_block": kind is RESCAN,
        "jobs": [(job.pk, checksum(bytes(job.contract_address)), labels_text(job.labels.all())) for job in shown],
        "more": len(jobs) - len(jobs[:SHOWN_JOBS]),
        "spoken_of": SPOKEN_OF,
        "chain": chain_of(request),
    }
    return render(request, "positions/admin/change_jobs.html", context, status=status)


def change_page(page: ChainModelAdmin, request: HttpRequest) -> HttpResponse:
    """Make a confirmed change. Nothing but a POST reaches a job."""
    if not page.has_operate_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return redirect("admin:positions_job_changelist")
    form = ChangeForm(request.POST)
    if not form.is_valid():
        kind = KINDS.get(request.POST.get("kind", ""))
        if kind is None or "jobs" in form.errors:
            messages.error(request, "That form cannot be read; nothing was changed. Choose the jobs again.")
            return redirect("admin:positions_job_changelist")
        return show_form(page, request, kind, form, form.cleaned_data["jobs"], status=400)
    kind, jobs = KINDS[form.cleaned_data["kind"]], form.cleaned_data["jobs"]
    try:
        make_change(request, kind, jobs, form.cleaned_data["from_block"])
    except OperationalError:
        messages.error(request, "The database did not finish in time, so nothing was changed: try again.")
        return show_form(page, request, kind, form, jobs, status=503)
    return redirect("admin:positions_job_changelist")


def make_change(request: HttpRequest, kind: Kind, jobs: list[int], from_block: int | None) -> None:
    chain = chain_of(request)
    first = f" from block {from_block:,}" if kind is RESCAN else ""
    target = f"{name_jobs(jobs)}{first}"
    with recorded(request.user.get_username(), kind.audit, chain=chain.slug, target=target) as recording:
        with connect(chain) as connection:
            rows = connection.execute("SELECT id FROM jobs WHERE id = ANY(%s) AND NOT retired", [jobs]).fetchall()
            changed = kind.does(connection, [job for (job,) in rows], from_block or 0)
        recording.outcome = f"{changed:,} {kind.done}"
    unchanged = len(jobs) - changed
    already = f"; {unchanged:,} needed no change" if unchanged else ""
    messages.success(request, f"{chain}: {changed:,} job{'s' * (changed != 1)} {kind.done}{first}{already}.")


def name_jobs(jobs: list[int]) -> str:
    more = f" and {len(jobs) - SHOWN_JOBS:,} more" if len(jobs) > SHOWN_JOBS else ""
    return f"job{'s' * (len(jobs) != 1)} {', '.join(map(str, jobs[:SHOWN_JOBS]))}{more}"
