"""The jobs of a chain: a list to search and filter, a page for each, and what operators may do with them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action

from indexer.access.labels import show
from indexer.access.limits import limit_body
from indexer.positions.address import parse_address
from indexer.positions.admin import imports, job_changes
from indexer.positions.admin.base import ChainModelAdmin
from indexer.positions.admin.filters import ProtocolFilter, StateFilter, TroubleFilter
from indexer.positions.admin.present import (
    contract_html,
    definition_of,
    draw,
    event_text,
    labels_text,
    ranges_html,
    watch_of,
)
from indexer.positions.admin.states import JOB_STATES
from indexer.positions.listing import STATE
from indexer.positions.models import Job, UnreadableLog

SHOWN_REASONS = 20

# What the historic loop has finished, what of an unfinished scan it has read, and where the latest loop is.
COVERAGE = """
SELECT ARRAY(SELECT ARRAY[lower(part), upper(part)] FROM unnest(covered) AS part),
       ARRAY(SELECT ARRAY[lower(part), upper(part)] FROM (
           SELECT unnest(need * range_agg(int8range(from_block, cursor))) AS part
           FROM scan_jobs JOIN scans ON scans.id = scan_id JOIN segments ON segments.scan_id = scans.id
           WHERE job_id = jobs.id AND finished_at IS NULL AND cursor > from_block GROUP BY scans.id, need) AS read),
       (SELECT (value #>> '{}')::bigint FROM settings WHERE key = 'latest_block_processed')
FROM jobs WHERE id = %s
"""


@admin.register(Job)
class JobAdmin(ChainModelAdmin):
    list_display = ("watched", "labels", "state_label", "from_block", "trouble")
    list_filter = (StateFilter, ProtocolFilter, TroubleFilter)
    list_filter_submit = True
    search_fields = ("contract_address",)
    search_help_text = "A contract (0x…), or a job's number"
    sortable_by = ()
    ordering = ("id",)
    actions = ("disable", "enable", "rescan")
    actions_detail = ("disable_this", "enable_this", "rescan_this")
    fieldsets = (
        ("What is watched", {"fields": ("contract", "labels", "definition")}),
        ("How far it is", {"fields": ("state_label", "floor", "live_from", "coverage")}),
        ("Trouble", {"fields": ("error", "attempts", "next_attempt", "unreadable", "unreadable_reasons")}),
    )
    readonly_fields = ("contract", "labels", "definition", "state_label", "coverage", "unreadable_reasons")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        jobs = super().get_queryset(request).annotate(state=RawSQL(STATE, [], output_field=TextField()))
        found: QuerySet[Job] = jobs.prefetch_related("labels")
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and len(term) < 10:
            return queryset.filter(pk=int(term)), False
        try:
            return queryset.filter(contract_address=parse_address(term, strict=False)), False
        except ValueError as error:
            self.message_user(request, f"{term[:60]!r} is {error}.", "warning")
            return queryset.none(), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Job | None:
        """With what only a job's own page shows: Unfold asks for the value of a field several times."""
        job: Any = super().get_object(request, object_id, from_field)
        if job is not None:
            with connection.cursor() as cursor:
                cursor.execute(COVERAGE, [job.pk])
                job.read = cursor.fetchone() or ([], [], None)
            job.reasons = list(UnreadableLog.objects.filter(job_id=job.pk).order_by("block_number")[:SHOWN_REASONS])
        found: Job | None = job
        return found

    @admin.display(description="contract and event")
    def watched(self, job: Job) -> SafeString:
        event = event_text(definition_of(job))
        contract = contract_html(bytes(job.contract_address))
        return format_html('{}<br><span class="fp-clip fp-muted" title="{}">{}</span>', contract, event, event)

    @admin.display(description="contract")
    def contract(self, job: Job) -> SafeString:
        return contract_html(bytes(job.contract_address))

    @admin.display(description="labels")
    def labels(self, job: Job) -> str:
        return labels_text(job.labels.all()) or "none: pruned"

    @admin.display(description="state")
    def state_label(self, job: Job) -> SafeString:
        return show(job.state, JOB_STATES)  # type: ignore[attr-defined]  # annotated

    @admin.display(description="floor")
    def from_block(self, job: Job) -> str:
        return f"{job.floor:,}"

    @admin.display(description="trouble")
    def trouble(self, job: Job) -> SafeString:
        unreadable = f"{job.unreadable:,} unreadable logs" if job.unreadable else ""
        said = "; ".join(filter(None, (job.error, unreadable))) or "–"
        return format_html('<span class="fp-clip fp-short" title="{}">{}</span>', said, said)

    @admin.display(description="as a watch list writes it")
    def definition(self, job: Job) -> SafeString:
        return format_html('<pre class="fp-code">{}</pre>', watch_of(job, job.labels.all()))

    @admin.display(description="blocks read")
    def coverage(self, job: Any) -> str:
        covered, scanned, processed = job.read
        end = 0 if processed is None else processed + 1
        live = [(job.live_from, end)] if job.live_from is not None and job.live_from < end else []
        past = sorted((first, behind) for first, behind in covered + scanned)
        return render_to_string(
            "positions/admin/coverage.html",
            {
                "parts": draw(job.floor, end, [("past", past), ("live", live)]),
                "past": ranges_html(past),
                "live": ranges_html(live),
                "processed": processed,
                "floor_text": f"{job.floor:,}",
                "processed_text": f"{processed or 0:,}",
            },
        )

    @admin.display(description="why they are unreadable")
    def unreadable_reasons(self, job: Any) -> SafeString | str:
        lines = [(f"{row.block_number:,}", row.count, row.reason) for row in job.reasons]
        return format_html_join("", "<div>block {}: {} – {}</div>", lines) or "–"

    # Each change is shown on a page of its own first; job_changes makes it when that page is sent.

    @admin.action(description="Disable…", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse:
        return job_changes.confirm(self, request, job_changes.DISABLE, queryset)

    @admin.action(description="Enable…", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse:
        return job_changes.confirm(self, request, job_changes.ENABLE, queryset)

    @admin.action(description="Rescan from a block…", permissions=["operate"])
    def rescan(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse:
        return job_changes.confirm(self, request, job_changes.RESCAN, queryset)

    @action(description="Disable…", url_path="disable", permissions=["operate"])  # type: ignore[untyped-decorator]
    def disable_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return job_changes.confirm(self, request, job_changes.DISABLE, self.only(request, object_id))

    @action(description="Enable…", url_path="enable", permissions=["operate"])  # type: ignore[untyped-decorator]
    def enable_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return job_changes.confirm(self, request, job_changes.ENABLE, self.only(request, object_id))

    @action(description="Rescan…", url_path="rescan", permissions=["operate"])  # type: ignore[untyped-decorator]
    def rescan_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return job_changes.confirm(self, request, job_changes.RESCAN, self.only(request, object_id))

    def only(self, request: HttpRequest, object_id: str) -> QuerySet[Job]:
        number = int(object_id) if object_id.isascii() and object_id.isdigit() and len(object_id) < 10 else 0
        return self.get_queryset(request).filter(pk=number)

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse]) -> Callable[..., Any]:
            def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
                return view(self, request, *args, **kwargs)

            checked = self.admin_site.admin_view(shown)
            # The picker sees by it that the page speaks of a chain.
            checked.model_admin = self
            return checked  # type: ignore[no-any-return]

        own = [
            path("change/", page(job_changes.change_page), name="positions_job_changes"),
            path(
                "import/",
                limit_body("WATCH_LIST_LIMIT")(page(imports.import_page)),
                name="positions_job_import",
            ),
            path("import/<int:entry>/", page(imports.imported_page), name="positions_job_imported"),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]
