"""The market's protocols, and the slugs that they have had."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from indexer.market.admin.base import ListedFilter, MarketAdmin, column_filter
from indexer.market.admin.present import dollars, figures_html, named_html, per_cent
from indexer.market.models import Protocol


@admin.register(Protocol)
class ProtocolAdmin(MarketAdmin):
    list_display = ("named", "category", "tvl_shown", "change", "chain_count", "pool_count")
    list_filter = (column_filter("category"), ListedFilter)
    search_fields = ("name", "slug", "symbol", "id__exact", "aliases__slug")
    search_help_text = "A part of its name, symbol or of a slug that it has or had, or its id in full"
    ordering = (F("tvl").desc(nulls_last=True), "id")
    fields = (
        *("id", "slug", "slugs", "name", "symbol", "category", "parent", "chains", "address", "url", "twitter"),
        *("figures", "description", "gecko_id", "cmc_id", "listed_at", "chain_tvls", "vanished_at"),
    )
    readonly_fields = ("slugs", "figures")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Protocol]:
        rows: QuerySet[Protocol] = super().get_queryset(request)
        return rows.annotate(listed=Count("pools", filter=Q(pools__vanished_at=None), distinct=True))

    @admin.display(description="protocol")
    def named(self, protocol: Protocol) -> SafeString:
        return named_html(protocol.name, protocol.slug)

    @admin.display(description="TVL")
    def tvl_shown(self, protocol: Protocol) -> str:
        return dollars(protocol.tvl)

    @admin.display(description="in a day")
    def change(self, protocol: Protocol) -> str:
        return per_cent(protocol.change_1d)

    @admin.display(description="chains")
    def chain_count(self, protocol: Protocol) -> str:
        return f"{len(protocol.chains):,}"

    @admin.display(description="pools")
    def pool_count(self, protocol: Any) -> str:
        return f"{protocol.listed:,}"

    @admin.display(description="figures")
    def figures(self, protocol: Protocol) -> SafeString:
        return figures_html(
            (
                ("TVL", dollars(protocol.tvl)),
                ("market value", dollars(protocol.mcap)),
                ("in an hour", per_cent(protocol.change_1h)),
                ("in a day", per_cent(protocol.change_1d)),
                ("in 7 days", per_cent(protocol.change_7d)),
            )
        )

    @admin.display(description="slugs")
    def slugs(self, protocol: Protocol) -> SafeString:
        lines = (
            (alias.slug, f"{alias.first_at:%Y-%m-%d}", f"{alias.last_at:%Y-%m-%d}" if alias.last_at else "now")
            for alias in protocol.aliases.all()
        )
        return format_html("<div>{}</div>", format_html_join("", "<div>{}, {} to {}</div>", lines))
