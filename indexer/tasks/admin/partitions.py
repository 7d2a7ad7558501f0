"""The page Backfills: every partitioned task, and the grid of each, which shows itself again every two seconds."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache

from indexer.access.labels import show
from indexer.access.strict import ReadOnlyAdmin
from indexer.tasks.admin.states import COLOURS, PARTITION_STATES
from indexer.tasks.admin.steering import STEER, obey_with_run
from indexer.tasks.models import Partition
from indexer.tasks.registry import tasks
from indexer.tasks.states import PartitionState
from indexer.tasks.statuses import count_partitions, read_partitions
from indexer.tasks.steering import resume_failed

SHOWN = 5000
SHOWN_ERRORS = 50


@admin.register(Partition)
class PartitionAdmin(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        """Instead of Django's own pages, which would list rows and show no grid."""
        view = self.admin_site.admin_view
        return [
            path("", view(never_cache(self.list_page)), name="tasks_partition_changelist"),
            path("<str:task>/", view(never_cache(self.grid_page)), name="tasks_partition_grid"),
            path("<str:task>/now/", view(never_cache(self.grid_now)), name="tasks_partition_now"),
            path("<str:task>/resume/", view(self.resume), name="tasks_partition_resume"),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = [
            {"name": task.name, "words": task.words, "counts": label_counts(count_partitions(task.name))}
            for task in tasks().values()
            if task.partitions is not None
        ]
        context = self.admin_site.each_context(request) | {"title": "Backfills", "found": found}
        return render(request, "tasks/admin/backfills.html", context)

    def grid_page(self, request: HttpRequest, task: str) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": f"Backfill of {task}"} | self.fill(request, task)
        return render(request, "tasks/admin/grid.html", context)

    def grid_now(self, request: HttpRequest, task: str) -> HttpResponse:
        return render(request, "tasks/admin/grid_now.html", self.fill(request, task))

    def fill(self, request: HttpRequest, task: str) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        require_partitioned(task)
        counts = count_partitions(task)
        return {
            "task": task,
            "counts": label_counts(counts),
            "cells": [{"each": each, "colour": COLOURS[each.state]} for each in read_partitions(task, limit=SHOWN)],
            "hidden": max(0, sum(counts.values()) - SHOWN),
            "failed": read_partitions(task, states=[PartitionState.FAILED], limit=SHOWN_ERRORS),
            "unshown": max(0, counts[PartitionState.FAILED] - SHOWN_ERRORS),
            "may_resume": request.user.has_perm(STEER),
        }

    def resume(self, request: HttpRequest, task: str) -> HttpResponse:
        require_partitioned(task)
        words = "This run is in the line: it does what is missing, has failed or is stale."
        run = obey_with_run(request, lambda actor: resume_failed(task, actor), words)
        return redirect("admin:tasks_taskrun_change", run) if run else redirect("admin:tasks_partition_grid", task)


def require_partitioned(task: str) -> None:
    known = tasks().get(task)
    if known is None or known.partitions is None:
        raise Http404(f"there is no task {task} that has partitions")


def label_counts(counts: dict[PartitionState, int]) -> list[tuple[Any, str]]:
    """How many partitions are in each state that any of them is in, with the state's label."""
    return [
        (show(shown.value, PARTITION_STATES), f"{count:,}")
        for shown in PARTITION_STATES
        if (count := counts[PartitionState(shown.value)])
    ]
