"""The past: scans, and the segments that historic loops read."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db import connection
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now
from unfold.views import ChangeList

from indexer.access.audit import recorded
from indexer.access.labels import show
from indexer.chains.connections import connect
from indexer.chains.picker import chain_of
from indexer.positions.admin.base import ChainModelAdmin
from indexer.positions.admin.filters import READ, SegmentStateFilter
from indexer.positions.admin.present import checked_by_html, moment_html, progress_html, two_lines_html
from indexer.positions.admin.states import SCAN_STATES, SEGMENT_STATES
from indexer.positions.models import Scan, Segment
from indexer.positions.protocol.segments import try_segments_now

# Both by readings_in_order.
SCAN_SOURCES = """
SELECT scan_id, array_agg(DISTINCT label ORDER BY label)
FROM readings CROSS JOIN unnest(endpoints) AS label WHERE scan_id = ANY(%s) GROUP BY scan_id
"""
SEGMENT_SOURCES = """
SELECT segments.id, array_agg(DISTINCT label ORDER BY label)
FROM segments JOIN readings ON readings.scan_id = segments.scan_id
    AND readings.to_block >= segments.from_block AND readings.from_block <= segments.to_block
CROSS JOIN unnest(endpoints) AS label WHERE segments.id = ANY(%s) GROUP BY segments.id
"""


class SourcedList(ChangeList):  # type: ignore[misc]  # unfold has no type information
    """Asks once which endpoints the rows of a page rest on: `statement` gives their numbers and labels."""

    statement = ""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        own = cast(Any, self)
        rows = list(own.result_list)
        with connection.cursor() as cursor:
            cursor.execute(self.statement, [[row.pk for row in rows]])
            labels: dict[int, list[str]] = dict(cursor.fetchall())
        for row in rows:
            row.sources = labels.get(row.pk, [])
        own.result_list = rows


class ScanList(SourcedList):
    statement = SCAN_SOURCES


class SegmentList(SourcedList):
    statement = SEGMENT_SOURCES


@admin.register(Scan)
class ScanAdmin(ChainModelAdmin):
    list_display = ("number", "state_label", "progress", "blocks", "logs", "checked", "created", "finished")
    list_display_links = None
    sortable_by = ()
    ordering = ("-id",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ScanList]:
        return ScanList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scan]:
        segments = F("segments__to_block") + 1 - F("segments__from_block")
        read = F("segments__cursor") - F("segments__from_block")
        unread = Q(segments__cursor__lte=F("segments__to_block"))
        scans: QuerySet[Scan] = super().get_queryset(request)
        return scans.annotate(
            total=Coalesce(Sum(segments), 0),
            read=Coalesce(Sum(read), 0),
            found=Coalesce(Sum("segments__log_count"), 0),
            failed=Count("segments", filter=unread & Q(segments__error__isnull=False)),
            last=Max("segments__to_block"),
            weakest=Min("segments__level"),
        )

    @admin.display(description="scan")
    def number(self, scan: Any) -> SafeString:
        segments = reverse("admin:positions_segment_changelist")
        return format_html('<a class="fp-link" href="{}?q={}">scan {}</a>', segments, scan.pk, scan.pk)

    @admin.display(description="state")
    def state_label(self, scan: Any) -> SafeString:
        state = "finished" if scan.finished_at else "failing" if scan.failed else "reading"
        label = show(state, SCAN_STATES)
        return (
            two_lines_html(label, f"{scan.failed:,} segment{'s' * (scan.failed != 1)}") if state == "failing" else label
        )

    @admin.display(description="read")
    def progress(self, scan: Any) -> SafeString:
        return progress_html(int(scan.read), int(scan.total))

    @admin.display(description="blocks")
    def blocks(self, scan: Any) -> SafeString | str:
        total = f"{int(scan.total):,}"
        return total if scan.last is None else two_lines_html(total, f"up to {scan.last:,}")

    @admin.display(description="logs seen")
    def logs(self, scan: Any) -> str:
        return f"{int(scan.found):,}"

    @admin.display(description="checked, by")
    def checked(self, scan: Any) -> SafeString:
        return checked_by_html(scan.weakest, scan.sources)

    @admin.display(description="created")
    def created(self, scan: Scan) -> SafeString | str:
        return moment_html(scan.created_at)

    @admin.display(description="finished")
    def finished(self, scan: Scan) -> SafeString | str:
        return moment_html(scan.finished_at)


@admin.register(Segment)
class SegmentAdmin(ChainModelAdmin):
    list_display = ("number", "blocks", "state_label", "progress", "logs", "checked", "trouble")
    list_display_links = None
    list_filter = (SegmentStateFilter,)
    list_filter_submit = True
    search_fields = ("scan_id",)
    search_help_text = "A scan's number"
    sortable_by = ()
    ordering = ("-scan_id", "from_block")
    actions = ("try_now",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SegmentList]:
        return SegmentList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Segment], search_term: str
    ) -> tuple[QuerySet[Segment], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and len(term) < 18:
            return queryset.filter(scan_id=int(term)), False
        self.message_user(request, f"{term[:60]!r} is not a scan's number.", "warning")
        return queryset.none(), False

    @admin.display(description="segment")
    def number(self, segment: Segment) -> SafeString:
        return two_lines_html(segment.pk, f"of scan {segment.scan_id}")

    @admin.display(description="logs")
    def logs(self, segment: Segment) -> str:
        return f"{segment.log_count:,}"

    @admin.display(description="checked, by")
    def checked(self, segment: Any) -> SafeString:
        return checked_by_html(segment.level, segment.sources)

    @admin.display(description="blocks")
    def blocks(self, segment: Segment) -> SafeString:
        return format_html('<span class="fp-share">{}–{}</span>', f"{segment.from_block:,}", f"{segment.to_block:,}")

    @admin.display(description="state")
    def state_label(self, segment: Segment) -> SafeString:
        aside = segment.next_attempt is not None and segment.next_attempt > now()
        if segment.cursor > segment.to_block:
            state = "finished"
        elif segment.owner is not None:
            state = "held"
        else:
            state = "put aside" if aside else "waiting"
        label = show(state, SEGMENT_STATES)
        if segment.owner is None or segment.lease_until is None:
            return label
        until = f"until {segment.lease_until:%H:%M:%S}"
        return format_html('<div>{}<div class="fp-muted">{}<br>{}</div></div>', label, segment.owner, until)

    @admin.display(description="read")
    def progress(self, segment: Segment) -> SafeString:
        return progress_html(segment.cursor - segment.from_block, segment.to_block + 1 - segment.from_block)

    @admin.display(description="error")
    def trouble(self, segment: Segment) -> SafeString | str:
        if segment.error is None:
            return "–"
        attempts = f"{segment.attempts} attempt{'s' * (segment.attempts != 1)}"
        again = f", next {segment.next_attempt:%Y-%m-%d %H:%M:%S}" if segment.next_attempt else ""
        return format_html(
            '<div class="fp-words">{} <span class="fp-muted">({}{})</span></div>', segment.error, attempts, again
        )

    @admin.action(description="Try now", permissions=["operate"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Segment]) -> None:
        """Put-aside segments only; the others need nothing."""
        aside = queryset.exclude(READ).filter(owner=None, next_attempt__gt=Now())
        segments = list(aside.order_by("id").values_list("pk", flat=True))
        chain = chain_of(request)
        numbers = ", ".join(map(str, segments[:10])) + ("…" if len(segments) > 10 else "")
        with recorded(
            request.user.get_username(), "try segments", chain=chain.slug, target=f"segments {numbers or 'none'}"
        ) as recording:
            with connect(chain) as connection:
                freed = try_segments_now(connection, segments)
            recording.outcome = f"{freed:,} free at once"
        said = f"{freed:,} segments are free for the next historic loop." if freed else "None of them is put aside."
        self.message_user(request, f"{chain}: {said}", messages.SUCCESS if freed else messages.WARNING)
