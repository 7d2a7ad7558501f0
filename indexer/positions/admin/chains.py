"""The chains: where each stands, and how one is added or removed, which is done on the server."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from indexer.access.labels import show
from indexer.access.strict import ReadOnlyAdmin
from indexer.chains.durations import show_duration
from indexer.chains.models import Chain
from indexer.positions.admin.present import level_html, levels_html, progress_html
from indexer.positions.admin.standing import Standing, stand
from indexer.positions.admin.states import CHAIN_STATES


class StandingList(ChangeList):  # type: ignore[misc]  # unfold has no type information
    """Asks once where the chains of a page stand."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        own = cast(Any, self)
        chains = list(own.result_list)
        for chain, standing in zip(chains, stand(chains), strict=True):
            chain.standing = standing
        own.result_list = chains


@admin.register(Chain)
class ChainAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "state_label",
        "head",
        "processed",
        "final",
        "lag",
        "past",
        "checked",
        "floor_block",
        "chain_id",
    )
    list_display_links = None
    sortable_by = ()
    show_full_result_count = False
    list_before_template = "positions/admin/chains_hint.html"
    list_fullwidth = True
    actions = None
    fields = readonly_fields = (
        "slug",
        "chain_id",
        "floor",
        "schema_name",
        "created_at",
        "state_label",
        "checked",
        "levels",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StandingList]:
        return StandingList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        chain: Any = super().get_object(request, object_id, from_field)
        if chain is not None:
            (chain.standing,) = stand([chain])
        return chain

    @admin.display(description="chain")
    def name(self, chain: Any) -> SafeString:
        return format_html('<b>{}</b> <span class="fp-muted">{}</span>', chain.slug, chain.standing.name)

    @admin.display(description="state")
    def state_label(self, chain: Any) -> SafeString:
        return show(chain.standing.state, CHAIN_STATES)

    @admin.display(description="head")
    def head(self, chain: Any) -> str:
        return number(chain.standing.head)

    @admin.display(description="processed")
    def processed(self, chain: Any) -> str:
        return number(chain.standing.cursor)

    @admin.display(description="final")
    def final(self, chain: Any) -> str:
        return number(chain.standing.final)

    @admin.display(description="lag")
    def lag(self, chain: Any) -> str:
        return lag_text(chain.standing)

    @admin.display(description="past")
    def past(self, chain: Any) -> SafeString | str:
        standing: Standing = chain.standing
        return progress_html(standing.past_read, standing.past_total) if standing.past_total else "no scan open"

    @admin.display(description="checked")
    def checked(self, chain: Any) -> SafeString:
        return checked_html(chain.standing)

    @admin.display(description="blocks by level")
    def levels(self, chain: Any) -> SafeString:
        return levels_html(chain.standing.levels)

    @admin.display(description="floor")
    def floor_block(self, chain: Any) -> str:
        return number(chain.floor)


def number(block: int | None) -> str:
    return "–" if block is None else f"{block:,}"


def checked_html(standing: Standing) -> SafeString:
    """The usual level, and the weakest where that is another one."""
    if standing.usual is None:
        return format_html('<span class="fp-muted">{}</span>', "nothing read yet")
    if standing.usual == standing.weakest:
        return format_html("{}", level_html(standing.usual))
    return format_html("mostly {}, at least {}", level_html(standing.usual), level_html(standing.weakest))


def lag_text(standing: Standing) -> str:
    """Blocks behind the head, and about how long that is."""
    if standing.lag is None or standing.lag_seconds is None:
        return "–"
    blocks = f"{standing.lag:,} block{'s' * (standing.lag != 1)}"
    return f"{blocks}, about {show_duration(standing.lag_seconds)}" if standing.lag else "none"
