"""The jobs that mappings propose: what each would watch, by what evidence, and what became of it."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from indexer.access.labels import show
from indexer.market.admin.base import MarketAdmin, column_filter
from indexer.market.admin.deciding import DECIDE, DECISIONS, decide_page
from indexer.market.admin.evidence import mapping_html
from indexer.market.admin.present import PROPOSAL_STATES, confidence_html, named_html
from indexer.market.models import WatchProposal
from indexer.positions.admin.present import moment_html


@admin.register(WatchProposal)
class ProposalAdmin(MarketAdmin):
    list_display = ("contract", "of", "chain", "sure", "state_shown", "proposed", "decide")
    list_filter = (
        column_filter("state", offered=[state.value for state in PROPOSAL_STATES]),
        column_filter("chain__slug", name="chain"),
    )
    search_fields = ("mapping__address__exact", "mapping__pool__project", "mapping__pool__symbol")
    search_help_text = "A contract in full, or a part of a project or symbol"
    ordering = ("-id",)
    fields = (
        *("state_shown", "decide", "pool", "chain", "entry_shown", "evidence_shown"),
        *("proposed_at", "decided_at", "decided_by", "job_id"),
    )
    readonly_fields = ("state_shown", "decide", "pool", "entry_shown", "evidence_shown")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_page)
        return [
            path("<int:proposal>/decide/<str:action>/", view, name="market_watchproposal_decide"),
            *super().get_urls(),
        ]

    def decide_page(self, request: HttpRequest, proposal: int, action: str) -> HttpResponse:
        return decide_page(self, request, proposal, action)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm(DECIDE) else self.list_display[:-1]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name != "decide" or request.user.has_perm(DECIDE))

    def get_queryset(self, request: HttpRequest) -> QuerySet[WatchProposal]:
        rows: QuerySet[WatchProposal] = super().get_queryset(request)
        return rows.select_related("chain", "mapping__pool")

    @admin.display(description="contract")
    def contract(self, proposal: WatchProposal) -> SafeString:
        return format_html('<span class="fp-mono">{}</span>', proposal.mapping.address)

    @admin.display(description="of the pool")
    def of(self, proposal: WatchProposal) -> SafeString:
        return named_html(proposal.mapping.pool.symbol, proposal.mapping.pool.project)

    @admin.display(description="pool")
    def pool(self, proposal: WatchProposal) -> SafeString:
        page = reverse("admin:market_pool_change", args=[proposal.mapping.pool_id])
        return format_html('<a class="fp-link" href="{}">{}</a>', page, proposal.mapping.pool)

    @admin.display(description="confidence")
    def sure(self, proposal: WatchProposal) -> SafeString:
        return confidence_html(proposal.mapping.confidence, refuted=proposal.mapping.refuted)

    @admin.display(description="state")
    def state_shown(self, proposal: WatchProposal) -> SafeString:
        return show(proposal.state, PROPOSAL_STATES)

    @admin.display(description="proposed")
    def proposed(self, proposal: WatchProposal) -> SafeString | str:
        return moment_html(proposal.proposed_at)

    @admin.display(description="decide")
    def decide(self, proposal: WatchProposal) -> SafeString | str:
        """Links to the pages that say what each decision means; a proposal is decided once."""
        if proposal.state != "proposed":
            return "–"
        links = (
            (reverse("admin:market_watchproposal_decide", args=[proposal.pk, decision.name]), decision.title)
            for decision in DECISIONS.values()
        )
        return format_html_join(" ", '<a class="fp-link" href="{}">{}…</a>', links)

    @admin.display(description="job")
    def entry_shown(self, proposal: Any) -> SafeString:
        entry = json.dumps(proposal.entry, indent=2, ensure_ascii=False)
        return format_html('<pre class="fp-code">{}</pre>', entry)

    @admin.display(description="evidence")
    def evidence_shown(self, proposal: WatchProposal) -> SafeString:
        return mapping_html(proposal.mapping_id)
