"""Which contracts pools are, with the evidence."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from indexer.market.admin.base import MarketAdmin, column_filter
from indexer.market.admin.evidence import mapping_html
from indexer.market.admin.present import confidence_html, named_html
from indexer.market.answers.mappings import spell
from indexer.market.models import ContractMapping
from indexer.positions.admin.present import moment_html, two_lines_html

STEPS = ("1.0", "0.8", "0.6", "0.4", "0.2")


@admin.register(ContractMapping)
class MappingAdmin(MarketAdmin):
    list_display = ("contract", "of", "kind", "sure", "changed")
    list_filter = (
        column_filter("confidence", offered=STEPS),
        column_filter("kind", offered=("pool", "token")),
        column_filter("namespace"),
    )
    search_fields = ("address",)
    search_help_text = "A contract, or a pool's id, in full"
    ordering = ("-confidence", "id")
    fields = ("pool", "namespace", "chain_id", "address", "kind", "sure", "evidence_shown", "created_at", "changed_at")
    readonly_fields = ("sure", "evidence_shown")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContractMapping]:
        rows: QuerySet[ContractMapping] = super().get_queryset(request)
        return rows.select_related("pool")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ContractMapping], search_term: str
    ) -> tuple[QuerySet[ContractMapping], bool]:
        """Whole contracts and ids alone, by their indexes."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pool=UUID(term)), False
        except ValueError:
            return queryset.filter(address=spell(term)), False

    @admin.display(description="contract")
    def contract(self, mapping: ContractMapping) -> SafeString:
        where = mapping.namespace if mapping.chain_id is None else f"{mapping.namespace}:{mapping.chain_id}"
        return two_lines_html(format_html('<span class="fp-mono">{}</span>', mapping.address), where)

    @admin.display(description="of the pool")
    def of(self, mapping: ContractMapping) -> SafeString:
        return named_html(mapping.pool.symbol, f"{mapping.pool.project} on {mapping.pool.chain_name}")

    @admin.display(description="confidence")
    def sure(self, mapping: ContractMapping) -> SafeString:
        return confidence_html(mapping.confidence, refuted=mapping.refuted)

    @admin.display(description="changed")
    def changed(self, mapping: ContractMapping) -> SafeString | str:
        return moment_html(mapping.changed_at)

    @admin.display(description="evidence")
    def evidence_shown(self, mapping: Any) -> SafeString:
        return mapping_html(mapping.pk)
