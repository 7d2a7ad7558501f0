"""The readings: which final blocks were read when, from whom, and what their logs were checked against."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from indexer.access.strict import LONGEST_NUMBER
from indexer.positions.admin.base import ChainModelAdmin
from indexer.positions.admin.present import checked_by_html, moment_html, two_lines_html
from indexer.positions.admin.states import LEVELS
from indexer.positions.meter import LATEST, LOOPS
from indexer.positions.models import Reading
from indexer.rpc import Level

# Of the newest readings: no index has the labels.
LABELS = """
SELECT DISTINCT unnest(endpoints) AS label
FROM (SELECT endpoints FROM readings ORDER BY id DESC LIMIT 10000) AS newest ORDER BY label
"""
BY_WORD = {level.word: level for level in Level}


class LevelFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "level"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(level.value, level.label) for level in LEVELS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reading]) -> QuerySet[Reading]:
        level = BY_WORD.get(self.value() or "")
        return queryset if level is None else queryset.filter(level=level)


class LoopFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "loop"
    parameter_name = "loop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(loop, loop) for loop in LOOPS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reading]) -> QuerySet[Reading]:
        if self.value() not in LOOPS:
            return queryset
        return queryset.filter(scan_id__isnull=self.value() == LATEST)


class EndpointFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(LABELS)
            return [(label, label) for (label,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reading]) -> QuerySet[Reading]:
        return queryset.filter(endpoints__contains=[self.value()]) if self.value() else queryset


@admin.register(Reading)
class ReadingAdmin(ChainModelAdmin):
    list_display = ("blocks", "checked", "loop", "logs", "digest_shown", "read", "audited")
    list_display_links = None
    list_filter = (LevelFilter, LoopFilter, EndpointFilter)
    list_filter_submit = True
    list_before_template = "positions/admin/readings_hint.html"
    search_fields = ("from_block",)
    search_help_text = "A block's number"
    sortable_by = ()
    ordering = ("-id",)
    actions = None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Reading], search_term: str
    ) -> tuple[QuerySet[Reading], bool]:
        term = search_term.strip().replace(",", "")
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and len(term) <= LONGEST_NUMBER:
            return queryset.filter(from_block__lte=int(term), to_block__gte=int(term)), False
        self.message_user(request, f"{term[:60]!r} is not a block's number.", "warning")
        return queryset.none(), False

    @admin.display(description="blocks")
    def blocks(self, reading: Reading) -> SafeString:
        first, last = reading.from_block, reading.to_block
        if first == last:
            return two_lines_html(f"{first:,}", "1 block")
        return two_lines_html(f"{first:,}–{last:,}", f"{last + 1 - first:,} blocks")

    @admin.display(description="checked, by")
    def checked(self, reading: Reading) -> SafeString:
        return checked_by_html(reading.level, reading.endpoints)

    @admin.display(description="read by")
    def loop(self, reading: Reading) -> str:
        return "latest loop" if reading.scan_id is None else f"scan {reading.scan_id}"

    @admin.display(description="logs")
    def logs(self, reading: Reading) -> str:
        return "–" if reading.log_count is None else f"{reading.log_count:,}"

    @admin.display(description="digest")
    def digest_shown(self, reading: Reading) -> SafeString | str:
        """Its last digits: enough to see that two readings differ."""
        if reading.digest is None:
            return "–"
        return format_html('<span class="fp-mono">…{}</span>', f"{int(reading.digest) % 2**32:08x}")

    @admin.display(description="read")
    def read(self, reading: Reading) -> SafeString | str:
        return moment_html(reading.read_at)

    @admin.display(description="audited")
    def audited(self, reading: Reading) -> SafeString | str:
        return moment_html(reading.audited_at)
