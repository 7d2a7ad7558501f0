"""What the pages about a chain's tables share: they are read-only, count no big table, and know their chain."""

import json
from typing import Any, cast

from django import forms
from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.forms import ActionForm

from indexer.access.strict import ReadOnlyAdmin
from indexer.chains.picker import SPOKEN_OF

EXACT = 10_000
"""Rows that are counted; of more, PostgreSQL's estimate is shown."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic only in the stubs
    """Counts no further than EXACT rows: a big table is not read to say how many pages it has."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet[Model], self.object_list)
        counted = rows[: EXACT + 1].count()
        return counted if counted <= EXACT else max(counted, self.estimate(rows))

    def estimate(self, rows: QuerySet[Model]) -> int:
        plan = json.loads(rows.order_by().explain(format="json"))
        return int(plan[0]["Plan"]["Plan Rows"])


class ChainActionForm(ActionForm):  # type: ignore[misc]  # unfold has no type information
    """The action chosen in a list, and the chain that the list was opened for."""

    chain = forms.CharField(label="", widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        tenant = connection.tenant  # type: ignore[attr-defined]  # django-tenants
        super().__init__(*args, initial={SPOKEN_OF: getattr(tenant, "slug", "")}, **options)


class ChainModelAdmin(ReadOnlyAdmin):
    """A table of the chosen chain: read-only, since what changes it goes through the coverage protocol.

    `operate` is the permission that its actions ask for.
    """

    action_form = ChainActionForm
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_fullwidth = True
    actions_on_top = True

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("positions.change_job")
