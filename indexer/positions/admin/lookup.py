"""Look an address up: what the API answers, for people. The address is posted, so that no log or history keeps it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from indexer.chains.models import Chain
from indexer.chains.picker import chains_of
from indexer.positions.address import parse_address
from indexer.positions.lookup import ChainAnswer, look_up

SHOWN_POOLS = 500


class LookupForm(forms.Form):
    address = forms.CharField(
        help_text="0x and 40 hex digits, in any case. It is sent in the request's body and kept nowhere.",
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "0x…"}),
    )
    chain = forms.ChoiceField(
        required=False,
        help_text="All chains, or one of them.",
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, chains: list[Chain], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["chain"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "all chains"), *((chain.slug, chain.slug) for chain in chains)]

    def clean_address(self) -> bytes:
        try:
            return parse_address(self.cleaned_data["address"].strip(), strict=False)
        except ValueError as error:
            raise forms.ValidationError(f"This is {error}.") from None


def look_up_page(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("positions.view_log"):
        raise PermissionDenied
    chains = chains_of(request)
    form = LookupForm(request.POST if request.method == "POST" else None, chains=chains)
    context = admin.site.each_context(request) | {
        "title": "Look up an address",
        "form": form,
        "has_chains": bool(chains),
    }
    if form.is_bound and form.is_valid():
        chosen = [chain for chain in chains if form.cleaned_data["chain"] in ("", chain.slug)]
        answer = look_up(form.cleaned_data["address"], chosen)
        context |= {"address": answer.address, "answers": [show_answer(chain) for chain in answer.chains]}
    return render(request, "positions/admin/lookup.html", context, status=400 if form.errors else 200)


def show_answer(answer: ChainAnswer) -> dict[str, Any]:
    return {
        "chain": answer.chain,
        "complete": answer.complete,
        "as_of": f"{answer.as_of.block:,}" if answer.as_of else None,
        "final": f"{answer.as_of.final:,}" if answer.as_of else None,
        "from": f"{answer.from_:,}",
        "pools": [
            {
                "contract": pool.contract,
                "labels": ", ".join(f"{label.protocol}/{label.product}" for label in pool.labels),
                "first_block": f"{pool.first_block:,}",
                "metadata": "; ".join(f"{key} {', '.join(values)}" for key, values in pool.metadata.items()),
            }
            for pool in answer.pools[:SHOWN_POOLS]
        ],
        "has_metadata": any(pool.metadata for pool in answer.pools),
        "more_pools": max(0, len(answer.pools) - SHOWN_POOLS),
        "check_also": answer.check_also.contracts,
        "check_count": f"{answer.check_also.count:,}",
        "more_checks": f"{max(0, answer.check_also.count - len(answer.check_also.contracts)):,}",
    }
