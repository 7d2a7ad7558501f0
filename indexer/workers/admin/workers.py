"""The page Workers and a page for each: how they are now, what befell them, what they log, and what to do about it.

Both show themselves again every two seconds: a page's script asks for what is below `…/now/`, and puts in what differs.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.timezone import now
from django.views.decorators.cache import never_cache

from indexer.access.labels import show
from indexer.access.strict import ReadOnlyAdmin
from indexer.workers.admin.present import count_states, present
from indexer.workers.admin.states import WORKER_STATES
from indexer.workers.admin.steering import Action, steer_page
from indexer.workers.live import flag_of
from indexer.workers.live_values import web_values
from indexer.workers.models import WorkerEvent, WorkerLine, WorkerOrder, WorkerRow
from indexer.workers.statuses import Status, read_statuses

SHOWN_EVENTS = 50
SHOWN_LINES = 200
LEVELS = {"WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad", "DEBUG": "plain"}
"""Colours of log lines; others have none."""


@admin.register(WorkerRow)
class WorkerAdmin(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        """Instead of Django's own pages, which would offer the rows as they are stored, not as they are judged."""
        view = self.admin_site.admin_view
        return [
            path("", view(never_cache(self.list_page)), name="workers_workerrow_changelist"),
            path("now/", view(never_cache(self.list_now)), name="workers_workerrow_list_now"),
            path("<str:name>/", view(never_cache(self.worker_page)), name="workers_workerrow_change"),
            path("<str:name>/now/", view(never_cache(self.worker_now)), name="workers_workerrow_now"),
            path("<str:name>/<str:action>/", view(self.steer_page), name="workers_workerrow_steer"),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": "Workers"} | self.fill_list(request)
        return render(request, "workers/admin/workers.html", context)

    def list_now(self, request: HttpRequest) -> HttpResponse:
        return render(request, "workers/admin/workers_now.html", self.fill_list(request))

    def worker_page(self, request: HttpRequest, name: str) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": f"Worker {name}"} | self.fill_worker(request, name)
        return render(request, "workers/admin/worker.html", context)

    def worker_now(self, request: HttpRequest, name: str) -> HttpResponse:
        return render(request, "workers/admin/worker_now.html", self.fill_worker(request, name))

    def steer_page(self, request: HttpRequest, name: str, action: str) -> HttpResponse:
        return steer_page(self, request, name, action)

    def fill_list(self, request: HttpRequest) -> dict[str, Any]:
        statuses = self.read(request)
        orders = {order.worker: order for order in WorkerOrder.objects.filter(done_at=None).order_by("id")}
        moment = now()
        return {
            "counts": count_states(statuses),
            "needing": sum(bool(status.needs_person) for status in statuses),
            "workers": [present(status, orders, moment, permitted(request)) for status in statuses],
        }

    def fill_worker(self, request: HttpRequest, name: str) -> dict[str, Any]:
        status = next((status for status in self.read(request) if status.name == name), None)
        if status is None:
            raise Http404(f"there is no worker {name}")
        orders = {order.worker: order for order in WorkerOrder.objects.filter(worker=name, done_at=None).order_by("id")}
        lines = WorkerLine.objects.filter(worker=name).order_by("-id")[:SHOWN_LINES]
        return {
            "worker": present(status, orders, now(), permitted(request)),
            "flag_set": web_values().set_by(flag_of(status.program)),
            "events": [
                {"event": event, "state": show(event.state, WORKER_STATES) if event.state else ""}
                for event in WorkerEvent.objects.filter(worker=name)[:SHOWN_EVENTS]
            ],
            "lines": [{"line": line, "colour": LEVELS.get(line.level, "")} for line in reversed(lines)],
        }

    def read(self, request: HttpRequest) -> list[Status]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        with connection.cursor() as cursor:
            return read_statuses(cursor)


def permitted(request: HttpRequest) -> Callable[[Action], bool]:
    """Whether whoever asks may do an action."""

    def may(action: Action) -> bool:
        return request.user.has_perm(action.permission)

    return may
