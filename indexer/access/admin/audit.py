"""The audit: read, never written by hand."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.paginator import InfinitePaginator

from indexer.access.models import AuditEntry
from indexer.access.strict import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "chain", "what", "result")
    list_display_links = None
    search_fields = ("actor__exact", "chain__exact", "action__exact")
    search_help_text = "An actor, a chain or an action, in full"
    sortable_by = ()
    # The audit only grows: it is paged through, not counted.
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    actions = None

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> SafeString:
        return format_html('<div class="fp-words">{}</div>', entry.target or "–")

    @admin.display(description="outcome")
    def result(self, entry: AuditEntry) -> SafeString:
        return format_html('<div class="fp-words">{}</div>', entry.outcome)
