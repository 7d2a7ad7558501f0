"""What was asked of the sources, and which rows of their answers were not taken."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now

from indexer.chains.durations import show_duration
from indexer.market.admin.base import MarketAdmin, column_filter
from indexer.market.admin.present import named_html, short_html
from indexer.market.models import REASONS, Document, RejectedRow
from indexer.positions.admin.present import moment_html


@admin.register(Document)
class DocumentAdmin(MarketAdmin):
    list_display = ("named", "row_count", "taken", "age")
    list_filter = ()
    fields = ("name", "rows", "taken_at", "etag", "last_modified", "digest_shown")
    readonly_fields = ("digest_shown",)

    @admin.display(description="name")
    def named(self, document: Document) -> SafeString:
        return named_html(document.name)

    @admin.display(description="rows")
    def row_count(self, document: Document) -> str:
        return f"{document.rows:,}"

    @admin.display(description="taken in")
    def taken(self, document: Document) -> SafeString | str:
        return moment_html(document.taken_at)

    @admin.display(description="age")
    def age(self, document: Document) -> str:
        return show_duration((now() - document.taken_at).total_seconds())

    @admin.display(description="digest")
    def digest_shown(self, document: Document) -> SafeString | str:
        if document.digest is None:
            return "–"
        return format_html('<span class="fp-mono">{}</span>', bytes(document.digest).hex())


@admin.register(RejectedRow)
class RejectedRowAdmin(MarketAdmin):
    list_display = ("named", "reason", "said", "times", "first", "last")
    list_filter = (column_filter("task"), column_filter("reason", offered=REASONS))
    search_fields = ("key__exact",)
    search_help_text = "A row's id, in full"
    ordering = ("-id",)
    fields = ("task", "key", "reason", "words", "row_shown", "first_at", "last_at", "times")
    readonly_fields = ("row_shown",)

    @admin.display(description="row")
    def named(self, row: RejectedRow) -> SafeString:
        return named_html(row.key, row.task)

    @admin.display(description="what is wrong")
    def said(self, row: RejectedRow) -> SafeString | str:
        return short_html(row.words)

    @admin.display(description="row as it came")
    def row_shown(self, row: RejectedRow) -> SafeString:
        return format_html('<pre class="fp-code">{}</pre>', row.row)

    @admin.display(description="first")
    def first(self, row: RejectedRow) -> SafeString | str:
        return moment_html(row.first_at)

    @admin.display(description="last")
    def last(self, row: RejectedRow) -> SafeString | str:
        return moment_html(row.last_at)
