"""The market's pools: what they pay and hold, and how sure their contracts are."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from indexer.market.admin.base import ListedFilter, MarketAdmin, column_filter
from indexer.market.admin.evidence import mappings_html
from indexer.market.admin.present import NOTHING, contract_html, dollars, figures_html, named_html, per_cent
from indexer.market.models import ContractMapping, Pool
from indexer.market.score import AGREED
from indexer.positions.admin.present import two_lines_html

# Of one at no confidence nothing is left but that it was there, perhaps on another chain.
OWN = ContractMapping.objects.filter(pool=OuterRef("pk"), kind="pool", refuted=False, confidence__gt=0)


class ContractFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "contract"
    parameter_name = "contract"
    choices_of = {
        "sure": Exists(OWN.filter(confidence__gte=AGREED)),
        "unsure": Exists(OWN) & ~Exists(OWN.filter(confidence__gte=AGREED)),
        "none": ~Exists(OWN),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("sure", f"known, {AGREED} and more"), ("unsure", f"below {AGREED}"), ("none", "not known")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Pool]) -> QuerySet[Pool]:
        condition = self.choices_of.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class StableFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "stablecoin"
    parameter_name = "stablecoin"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("yes", "yes"), ("no", "no")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Pool]) -> QuerySet[Pool]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(stablecoin=self.value() == "yes")


@admin.register(Pool)
class PoolAdmin(MarketAdmin):
    list_display = ("named", "on", "tvl_shown", "apy_shown", "contract", "stable", "since")
    list_filter = (column_filter("chain_name", name="chain"), ContractFilter, StableFilter, ListedFilter)
    search_fields = ("symbol", "project", "protocol__name")
    search_help_text = "A part of its symbol, project or protocol, or its id in full"
    ordering = (F("tvl").desc(nulls_last=True), "id")
    fields = (
        *("id", "project", "protocol", "symbol", "pool_meta", "chain_name", "chain_id"),
        *("mappings_shown", "figures", "stablecoin", "il_risk", "exposure", "outlier"),
        *("underlying_tokens", "reward_tokens", "url", "created_at", "vanished_at"),
    )
    readonly_fields = ("mappings_shown", "figures")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        surest = OWN.order_by("-confidence", "id")
        rows: QuerySet[Pool] = super().get_queryset(request)
        return rows.select_related("protocol").annotate(
            surest=Subquery(surest.values("confidence")[:1]), surest_address=Subquery(surest.values("address")[:1])
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Pool], search_term: str
    ) -> tuple[QuerySet[Pool], bool]:
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)  # type: ignore[no-any-return]

    @admin.display(description="pool")
    def named(self, pool: Pool) -> SafeString:
        return named_html(pool.symbol, pool.protocol.name if pool.protocol else pool.project)

    @admin.display(description="chain")
    def on(self, pool: Pool) -> SafeString:
        return two_lines_html(pool.chain_name, pool.chain_id or "–")

    @admin.display(description="TVL")
    def tvl_shown(self, pool: Pool) -> str:
        return dollars(pool.tvl)

    @admin.display(description="APY")
    def apy_shown(self, pool: Pool) -> str:
        return per_cent(pool.apy)

    @admin.display(description="contract")
    def contract(self, pool: Any) -> SafeString:
        return contract_html(pool.surest_address, pool.surest)

    @admin.display(description="stable")
    def stable(self, pool: Pool) -> str:
        """In words: most pools have none, and a red cross beside each says that something is wrong."""
        return NOTHING if pool.stablecoin is None else "yes" if pool.stablecoin else "no"

    @admin.display(description="listed")
    def since(self, pool: Pool) -> SafeString | str:
        if pool.vanished_at is not None:
            return "no more"
        return format_html('<span class="fp-share">{}</span>', f"{pool.created_at:%Y-%m-%d}")

    @admin.display(description="figures")
    def figures(self, pool: Pool) -> SafeString:
        return figures_html(
            (
                ("TVL", dollars(pool.tvl)),
                ("APY", per_cent(pool.apy)),
                ("of it base", per_cent(pool.apy_base)),
                ("of it rewards", per_cent(pool.apy_reward)),
                ("mean APY of 30 days", per_cent(pool.apy_mean_30d)),
                ("impermanent loss of 7 days", per_cent(pool.il_7d)),
                ("volume of a day", dollars(pool.volume_1d)),
                ("volume of 7 days", dollars(pool.volume_7d)),
            )
        )

    @admin.display(description="contracts")
    def mappings_shown(self, pool: Pool) -> SafeString:
        return mappings_html(pool.pk)
