"""What the pages about the market share: tasks write its tables, people read them."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ShowFacets
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from indexer.access.strict import ReadOnlyAdmin
from indexer.positions.admin.base import BoundedPaginator

OFFERED = 1000
"""Values that a filter offers at most."""


class MarketAdmin(ReadOnlyAdmin):
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    actions = None


class ListedFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "listed"
    parameter_name = "listed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("yes", "by the source"), ("no", "no more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(vanished_at__isnull=self.value() == "yes")


def column_filter(column: str, *, name: str = "", offered: Iterable[str] = ()) -> type[DropdownFilter]:
    """A filter by a column's value, of those `offered`, else of those that there are; `name` is what people call it."""
    shown, fixed = name or column, tuple(offered)

    class ColumnFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
        title = shown
        parameter_name = shown

        def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
            values = fixed or self.find(model_admin.model.objects)
            return [(value, value) for value in values]

        def find(self, rows: Any) -> list[str]:
            named = rows.exclude(**{f"{column}__isnull": True}).order_by(column)
            return list(named.values_list(column, flat=True).distinct()[:OFFERED])

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            return queryset if not value or (fixed and value not in fixed) else queryset.filter(**{column: value})

    return ColumnFilter
