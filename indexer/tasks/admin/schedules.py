"""The page Tasks: each with its schedules, what is to be done about it; and the form of a schedule."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminSelectWidget

from indexer.access.audit import recorded
from indexer.access.labels import show
from indexer.access.strict import StrictAdmin
from indexer.chains.durations import show_brief
from indexer.tasks.admin.states import RUN_STATES
from indexer.tasks.admin.steering import STEER, obey, obey_with_run
from indexer.tasks.models import Schedule
from indexer.tasks.registry import tasks
from indexer.tasks.schedules import database_now
from indexer.tasks.statuses import TaskStatus, describe_schedule, is_anybody_working, read_tasks
from indexer.tasks.steering import change_schedule, run_task
from indexer.tasks.tables import say_run, show_freshness

EDITED = ("cron", "every", "params", "priority", "missed", "paused")


def choose_task() -> list[tuple[str, str]]:
    return [(name, name) for name in tasks()]


class ParamsField(forms.JSONField):
    """Nothing typed is no parameters. What is refused is shown as it was typed, for it may hold what no page can."""

    def to_python(self, value: Any) -> Any:
        read = super().to_python(value)
        return {} if read is None else read

    def bound_data(self, data: Any, initial: Any) -> Any:
        return InvalidJSONInput(data)


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """The model itself says what cannot be, beside the field that it is about."""

    task = forms.ChoiceField(choices=choose_task, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Schedule
        fields = ("name", "task", *EDITED)


@admin.register(Schedule)
class ScheduleAdmin(StrictAdmin):
    form = ScheduleForm
    readonly_fields = ("when_it_runs",)
    formfield_overrides = {models.JSONField: {"form_class": ParamsField, "show_hidden_initial": False}}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("now/", view(never_cache(self.list_now)), name="tasks_schedule_list_now"),
            path("run/<str:task>/", view(self.run_view), name="tasks_schedule_run"),
            path("pause/<int:schedule>/", view(self.pause_view), name="tasks_schedule_pause"),
            path("resume/<int:schedule>/", view(self.resume_view), name="tasks_schedule_resume"),
        ]
        return [*own, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Schedule | None = None) -> tuple[str, ...]:
        """Of which task it is, and how it is called, is said once."""
        return ("name", "task", *EDITED) if obj is None else (*EDITED, "when_it_runs")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Without the task's field where it is not shown: a form asks for what it declares."""
        if obj is not None:
            kwargs["form"] = type("EditedForm", (ScheduleForm,), {"task": None})
        return super().get_form(request, obj, change=change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        """The first schedule of a task would come back, as long as the task is there: pausing it is what helps."""
        stays = obj is not None and obj.name == obj.task and obj.task in tasks()
        return not stays and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        actor = request.user.get_username()
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            if changes:
                change_schedule(obj.pk, changes, actor)
            return
        with recorded(actor, "add schedule", target=obj.name):
            obj.save()

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        with recorded(request.user.get_username(), "delete schedule", target=obj.name):
            obj.delete()

    @admin.display(description="When it runs (UTC)")
    def when_it_runs(self, schedule: Schedule) -> SafeString:
        told = describe_schedule(schedule, database_now())
        times = format_html_join("", "<li>{}</li>", [[f"{moment:%A, %Y-%m-%d %H:%M:%S}"] for moment in told.next_five])
        note = format_html('<p class="fp-muted">{}</p>', told.note) if told.note else ""
        rest = "" if times else format_html("<p>{}</p>", "It rests while it is paused." if told.paused else "")
        return format_html('<p>{}</p><ol class="fp-list">{}</ol>{}{}', told.words, times, rest, note)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": "Tasks"} | self.fill(request)
        return render(request, "tasks/admin/tasks.html", context)

    def list_now(self, request: HttpRequest) -> HttpResponse:
        return render(request, "tasks/admin/tasks_now.html", self.fill(request))

    def fill(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return {
            "tasks": [present(task) for task in read_tasks()],
            "nobody": not is_anybody_working(),
            "may_steer": request.user.has_perm(STEER),
            "may_add": self.has_add_permission(request),
        }

    def run_view(self, request: HttpRequest, task: str) -> HttpResponse:
        if task not in tasks():
            raise Http404(f"there is no task {task}")
        run = obey_with_run(request, lambda actor: run_task(task, {}, actor), "This run is in the line.")
        return redirect("admin:tasks_taskrun_change", run) if run else redirect("admin:tasks_schedule_changelist")

    def pause_view(self, request: HttpRequest, schedule: int) -> HttpResponse:
        return self.pause(request, schedule, paused=True)

    def resume_view(self, request: HttpRequest, schedule: int) -> HttpResponse:
        return self.pause(request, schedule, paused=False)

    def pause(self, request: HttpRequest, schedule: int, *, paused: bool) -> HttpResponse:
        def does(actor: str) -> str:
            changed = change_schedule(schedule, {"paused": paused}, actor)
            return f"The schedule {changed} {'rests' if paused else 'goes on'}."

        if not Schedule.objects.filter(pk=schedule).exists():
            raise Http404(f"there is no schedule {schedule}")
        obey(request, does)
        return redirect("admin:tasks_schedule_changelist")


def present(task: TaskStatus) -> dict[str, Any]:
    """A task as a row of the list."""
    last = task.last_run
    return {
        "task": task,
        "state": show(last.state, RUN_STATES) if last else "",
        "words": say_run(last) if last else "",
        "took": show_brief(last.seconds) if last else "",
        "fresh": show_freshness(task.freshness) if task.freshness else "",
    }
