"""What was learned of every chain's endpoints, known by their labels, and how to begin anew with one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from indexer.access.audit import recorded
from indexer.access.strict import ReadOnlyAdmin
from indexer.chains.models import EndpointLimits
from indexer.rpc import Limits


@admin.register(EndpointLimits)
class EndpointLimitsAdmin(ReadOnlyAdmin):
    list_display = ("endpoint", "learned", "updated_at")
    list_display_links = None
    list_select_related = ("chain",)
    sortable_by = ()
    show_full_result_count = False
    list_fullwidth = True
    actions_on_top = True
    actions = ("forget_learned",)
    fields = readonly_fields = ("chain", "label", "learned", "updated_at")

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("positions.change_job")

    @admin.display(description="endpoint")
    def endpoint(self, row: EndpointLimits) -> str:
        return f"{row.label} of {row.chain.slug}"

    @admin.display(description="learned")
    def learned(self, row: EndpointLimits) -> SafeString | str:
        if row.forget:
            return "to be forgotten: its worker finds everything out anew"
        return format_html_join("", "<div>{}</div>", ((text,) for text in texts_of(row.limits))) or "nothing yet"

    @admin.action(description="Forget what was learned", permissions=["operate"])
    def forget_learned(self, request: HttpRequest, queryset: QuerySet[EndpointLimits]) -> None:
        """The worker holds its own copy: it is told when it next writes."""
        count = 0
        rows = queryset.select_related("chain").order_by("chain__slug", "label")
        for slug, of_chain in groupby(rows, key=attrgetter("chain.slug")):
            chosen = list(of_chain)
            labels = ", ".join(row.label for row in chosen)
            with recorded(request.user.get_username(), "forget limits", chain=slug, target=labels):
                count += EndpointLimits.objects.filter(pk__in=[row.pk for row in chosen]).update(forget=True)
        self.message_user(
            request, f"{count:,} endpoint{'s' * (count != 1)}: found out anew within a minute.", messages.SUCCESS
        )


def texts_of(stored: Any) -> Iterator[str]:
    """What was learned, a line each, with units; nothing for what is not known."""
    limits = Limits.from_dict(stored if isinstance(stored, dict) else {})
    for value, text in (
        (limits.blocks, "up to {:,} blocks a range"),
        (limits.logs, "up to {:,} logs an answer"),
        (limits.addresses, "up to {:,} addresses a filter"),
        (limits.batch, "up to {:,} calls a batch"),
        (limits.rate, "about {:,.1f} requests a second"),
        (limits.log_delay, "logs come {:,} blocks behind its head"),
        (limits.pruned_below, "no history below block {:,}"),
    ):
        if value:
            yield text.format(value)
    for way, blocks in sorted(limits.range_size.items()):
        yield f"{blocks:,} blocks worked last {way}"
    for method, since in sorted(limits.off.items()):
        yield f"{method} is not served, as of {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"
