"""Pages of the admin that take nothing but what they offer."""

from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

LONGEST_NUMBER = 18
"""Digits that a bigint holds whatever they are."""


class StrictAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no type information
    """Django's lists filter by whatever a query names, with patterns that PostgreSQL may refuse or never finish."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Whether it is one of the page's filters; anything else leads back to the list, as an unknown field does."""
        if lookup not in {offered.parameter_name for offered in self.get_list_filter(request)}:
            raise IncorrectLookupParameters(lookup)
        return True

    def response_action(self, request: HttpRequest, queryset: QuerySet[Model]) -> HttpResponse | None:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER for text in chosen):
            self.message_user(request, "These are no numbers of rows; nothing was changed. Choose them again.", "error")
            return None
        response: HttpResponse | None = super().response_action(request, queryset)
        return response


class ReadOnlyAdmin(StrictAdmin):
    """Rows that nobody makes, changes or deletes by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
