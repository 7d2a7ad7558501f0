"""The filters of the job and segment lists: drop-down fields, none of which counts."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from indexer.positions.admin.states import JOB_STATES, SEGMENT_STATES
from indexer.positions.models import Job, JobLabel, Segment

PROTOCOLS_OFFERED = 1000


class StateFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state.value, state.label) for state in JOB_STATES]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The list's queryset is annotated with the state."""
        return queryset.filter(state=self.value()) if self.value() else queryset


class ProtocolFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "protocol"
    parameter_name = "protocol"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        protocols = JobLabel.objects.order_by("protocol").values_list("protocol", flat=True).distinct()
        return [(protocol, protocol) for protocol in protocols[:PROTOCOLS_OFFERED]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        if not self.value():
            return queryset
        return queryset.filter(Exists(JobLabel.objects.filter(job=OuterRef("pk"), protocol=self.value())))


class TroubleFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "trouble"
    parameter_name = "trouble"
    conditions = {"error": Q(error__isnull=False), "unreadable": Q(unreadable__gt=0)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("error", "with an error"), ("unreadable", "with unreadable logs")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(self.conditions.get(self.value() or "", Q()))


READ = Q(cursor__gt=F("to_block"))
SEGMENT_CONDITIONS = {
    "finished": READ,
    "held": ~READ & Q(owner__isnull=False),
    "waiting": ~READ & Q(owner=None) & (Q(next_attempt=None) | Q(next_attempt__lte=Now())),
    "put aside": ~READ & Q(owner=None, next_attempt__gt=Now()),
}


class SegmentStateFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state.value, state.label) for state in SEGMENT_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Segment]) -> QuerySet[Segment]:
        return queryset.filter(SEGMENT_CONDITIONS.get(self.value() or "", Q()))
