"""The jobs that mappings propose: what each would watch, by what evidence, and what became of it."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from indexer.access.labels import show
from indexer.market.admin.base import MarketAdmin, column_filter
from indexer.market.admin.evidence import mapping_html
from indexer.market.admin.present import PROPOSAL_STATES, confidence_html
from indexer.market.models import WatchProposal
from indexer.positions.admin.present import moment_html, two_lines_html


@admin.register(WatchProposal)
class ProposalAdmin(MarketAdmin):
    list_display = ("contract", "of", "chain", "sure", "state_shown", "proposed")
    list_filter = (
        column_filter("state", offered=[state.value for state in PROPOSAL_STATES]),
        column_filter("chain__slug", name="chain"),
    )
    search_fields = ("mapping__address__exact", "mapping__pool__project", "mapping__pool__symbol")
    search_help_text = "A contract in full, or a part of a project or symbol"
    ordering = ("-id",)
    fields = (
        *("state_shown", "chain", "entry_shown", "evidence_shown"),
        *("proposed_at", "decided_at", "decided_by", "job_id"),
    )
    readonly_fields = ("state_shown", "entry_shown", "evidence_shown")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WatchProposal]:
        rows: QuerySet[WatchProposal] = super().get_queryset(request)
        return rows.select_related("chain", "mapping__pool")

    @admin.display(description="contract")
    def contract(self, proposal: WatchProposal) -> SafeString:
        return format_html('<span class="fp-mono">{}</span>', proposal.mapping.address)

    @admin.display(description="of the pool")
    def of(self, proposal: WatchProposal) -> SafeString:
        return two_lines_html(proposal.mapping.pool.symbol[:80], proposal.mapping.pool.project)

    @admin.display(description="confidence")
    def sure(self, proposal: WatchProposal) -> SafeString:
        return confidence_html(proposal.mapping.confidence, refuted=proposal.mapping.refuted)

    @admin.display(description="state")
    def state_shown(self, proposal: WatchProposal) -> SafeString:
        return show(proposal.state, PROPOSAL_STATES)

    @admin.display(description="proposed")
    def proposed(self, proposal: WatchProposal) -> SafeString | str:
        return moment_html(proposal.proposed_at)

    @admin.display(description="job")
    def entry_shown(self, proposal: Any) -> SafeString:
        entry = json.dumps(proposal.entry, indent=2, ensure_ascii=False)
        return format_html('<pre class="fp-code">{}</pre>', entry)

    @admin.display(description="evidence")
    def evidence_shown(self, proposal: WatchProposal) -> SafeString:
        return mapping_html(proposal.mapping_id)
