"""The page Runs, and one for each run, which shows itself again every two seconds while somebody looks at it."""

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from unfold.contrib.filters.admin import DropdownFilter
from unfold.views import ChangeList

from indexer.access.labels import show
from indexer.access.strict import ReadOnlyAdmin
from indexer.chains.durations import UNKNOWN, show_brief
from indexer.tasks.admin.chart import draw
from indexer.tasks.admin.states import COLOURS, LEVELS, RUN_STATES
from indexer.tasks.admin.steering import STEER, obey, obey_with_run
from indexer.tasks.declaring import TaskError
from indexer.tasks.holding import say_holders
from indexer.tasks.models import TaskRun
from indexer.tasks.progress import show_progress
from indexer.tasks.registry import tasks
from indexer.tasks.states import ACTIVE, RunState
from indexer.tasks.statuses import (
    TaskRunStatus,
    describe_run,
    is_anybody_working,
    read_lines,
    read_run,
    read_runs,
)
from indexer.tasks.steering import cancel_run, retry_run
from indexer.tasks.tables import say_run, show_records

CHARTED = 40
"""Runs of the task whose durations are drawn."""


class TaskFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "task"
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in tasks()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TaskRun]) -> QuerySet[TaskRun]:
        return queryset.filter(task=self.value()) if self.value() else queryset


class StateFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no type information
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state.value, state.label) for state in RUN_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TaskRun]) -> QuerySet[TaskRun]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class RunList(ChangeList):  # type: ignore[misc]  # unfold has no type information
    """Asks once what the queued runs of a page begin after."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        own = cast(Any, self)
        runs = list(own.result_list)
        holders = say_holders(runs)
        for run in runs:
            run.holder = holders.get(run.pk, "")
        own.result_list = runs


@admin.register(TaskRun)
class TaskRunAdmin(ReadOnlyAdmin):
    list_display = ("number", "task", "state_label", "queued", "took", "by", "words")
    list_display_links = None
    list_filter = (TaskFilter, StateFilter)
    list_select_related = ("schedule",)
    list_per_page = 50
    list_fullwidth = True
    show_full_result_count = False
    sortable_by = ()
    ordering = ("-id",)
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:run>/change/", view(never_cache(self.run_page)), name="tasks_taskrun_change"),
            path("<int:run>/now/", view(never_cache(self.run_now)), name="tasks_taskrun_now"),
            path("<int:run>/cancel/", view(self.cancel), name="tasks_taskrun_cancel"),
            path("<int:run>/retry/", view(self.retry), name="tasks_taskrun_retry"),
        ]
        changelist = [each for each in super().get_urls() if each.name == "tasks_taskrun_changelist"]
        return [*changelist, *own]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskRun]:
        """With the database's time, by which each is described."""
        runs: QuerySet[TaskRun] = super().get_queryset(request)
        return runs.annotate(now=Now())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RunList]:
        return RunList

    @admin.display(description="run")
    def number(self, run: TaskRun) -> SafeString:
        return format_html('<a class="fp-link" href="{}">{}</a>', page_of(run.pk), run.pk)

    @admin.display(description="state")
    def state_label(self, run: TaskRun) -> SafeString:
        return show(run.state, RUN_STATES)

    @admin.display(description="queued (UTC)")
    def queued(self, run: TaskRun) -> str:
        return f"{run.queued_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="took")
    def took(self, run: TaskRun) -> str:
        return show_brief(status_of(run).seconds)

    @admin.display(description="for")
    def by(self, run: TaskRun) -> str:
        return run.actor or (f"schedule {run.schedule}" if run.schedule else "–")

    @admin.display(description="what came of it")
    def words(self, run: TaskRun) -> SafeString:
        return format_html('<div class="fp-words">{}</div>', say_run(status_of(run)))

    def run_page(self, request: HttpRequest, run: int) -> HttpResponse:
        filled = self.fill(request, run)
        context = self.admin_site.each_context(request) | {"title": f"Run {run} of {filled['run'].task}"} | filled
        return render(request, "tasks/admin/run.html", context)

    def run_now(self, request: HttpRequest, run: int) -> HttpResponse:
        return render(request, "tasks/admin/run_now.html", self.fill(request, run))

    def fill(self, request: HttpRequest, run_id: int) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = find_run(run_id)
        lines = read_lines(run_id)
        may_steer = request.user.has_perm(STEER)
        return {
            "run": run,
            "state": show(run.state, RUN_STATES),
            "words": say_run(run),
            "progress": run.progress,
            "progress_words": show_progress(run.progress),
            "took": show_brief(run.seconds),
            "records": show_records(run) or UNKNOWN,
            "traceback": TaskRun.objects.values_list("traceback", flat=True).get(pk=run_id),
            "lines": [
                {"key": number, "line": line, "colour": LEVELS.get(line.level, "")} for number, line in enumerate(lines)
            ],
            "chart": draw(read_runs(task=run.task, limit=CHARTED)),
            "colours": COLOURS,
            "nobody": run.state in ACTIVE and not is_anybody_working(),
            "may_cancel": may_steer and run.state in ACTIVE and not run.cancelled_by,
            "may_retry": may_steer and run.state in (RunState.FAILED, RunState.CANCELLED),
        }

    def cancel(self, request: HttpRequest, run: int) -> HttpResponse:
        def does(actor: str) -> str:
            ended = cancel_run(run, actor).state == RunState.CANCELLED
            return f"Run {run} {'is cancelled' if ended else 'ends at its next sign of progress'}."

        obey(request, does)
        return redirect(page_of(find_run(run).id))

    def retry(self, request: HttpRequest, run: int) -> HttpResponse:
        words = f"This run is in the line, and goes on where run {run} had got to."
        return redirect(page_of(obey_with_run(request, lambda actor: retry_run(run, actor), words) or find_run(run).id))


def status_of(run: Any) -> TaskRunStatus:
    """Of a row of the list."""
    return describe_run(run, run.now, run.holder)


def find_run(run: int) -> TaskRunStatus:
    try:
        return read_run(run)
    except (TaskError, OverflowError) as error:
        raise Http404(str(error)) from None


def page_of(run: int) -> str:
    return reverse("admin:tasks_taskrun_change", args=[run])
