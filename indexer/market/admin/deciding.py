"""Accepting and dismissing a proposed job: a page that says what will happen, then the decision."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from indexer.market.admin.evidence import mapping_html
from indexer.market.admin.present import confidence_html
from indexer.market.models import WatchProposal
from indexer.market.proposals import ProposalError, accept, dismiss

DECIDE = "market.decide_proposal"


class Decision(NamedTuple):
    """What may become of a proposal; `done` is what the page says afterwards."""

    name: str
    title: str
    effects: tuple[str, ...]
    done: str
    does: Callable[[int, str], object]


DECISIONS = {
    decision.name: decision
    for decision in (
        Decision(
            "accept",
            "Accept",
            (
                "The contract is watched from now on: the chain's worker takes the job up and reads its past.",
                "Until that is done, answers name the contract in check_also.",
            ),
            "is watched",
            accept,
        ),
        Decision(
            "dismiss",
            "Dismiss",
            ("The contract is not watched, and is not proposed for this chain again.",),
            "is dismissed",
            dismiss,
        ),
    )
}


def decide_page(page: "ModelAdmin[Any]", request: HttpRequest, proposal: int, action: str) -> HttpResponse:
    """What the decision means, and the button for it; posted, the decision."""
    if action not in DECISIONS:
        raise Http404(f"a proposal is not decided by {action}")
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    chosen = DECISIONS[action]
    found = WatchProposal.objects.select_related("chain", "mapping__pool").filter(pk=proposal).first()
    if found is None:
        raise Http404(f"there is no proposal {proposal}")
    back = reverse("admin:market_watchproposal_changelist")
    if request.method == "POST":
        try:
            chosen.does(proposal, request.user.get_username())
        except ProposalError as error:
            messages.error(request, f"Nothing was changed: {error}.")
        else:
            messages.success(request, f"{found.mapping.address} {chosen.done} on {found.chain.slug}.")
        return redirect(back)
    context = page.admin_site.each_context(request) | {
        "title": f"{chosen.title}: {found.mapping.address}",
        "decision": chosen,
        "proposal": found,
        "sure": confidence_html(found.mapping.confidence, refuted=found.mapping.refuted),
        "evidence": mapping_html(found.mapping_id),
        "back": back,
    }
    return render(request, "market/admin/decide.html", context)
