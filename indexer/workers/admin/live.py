"""The page Live settings: all of them with their values; one of them with its form, its history and the way back."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from indexer.access.strict import StrictAdmin
from indexer.workers.admin.live_form import LiveForm
from indexer.workers.live import FLAG, MAINTENANCE, LiveError, LiveSetting
from indexer.workers.live_changes import Outcome, reset, roll_back, set_value, show_step, show_stored
from indexer.workers.live_known import known_or_none, known_settings
from indexer.workers.live_values import web_values
from indexer.workers.models import LiveChange, LiveValue, WorkerRow

SHOWN_CHANGES = 50
RESET = "_reset"
"""The name of the button that gives the default again."""
TITLES = {MAINTENANCE.group: "Maintenance", "worker": "Flags", "workers": "Limits of workers"}
"""Of the groups that come first, in this order."""
GONE = "No longer declared"


class Line(NamedTuple):
    """A setting as the list shows it; `setting` is None for a value that nobody declares any more."""

    name: str
    setting: LiveSetting | None
    value: str
    is_set: bool
    changed: LiveChange | None

    @property
    def key(self) -> str:
        return quote(self.name)

    @property
    def default(self) -> str:
        return self.setting.show(self.setting.default) if self.setting else ""

    @property
    def title(self) -> str:
        if self.setting is None:
            return GONE
        group = self.setting.group
        return TITLES.get(group, group.capitalize())


class Step(NamedTuple):
    """A change as the history shows it."""

    change: LiveChange
    key: str
    old: str
    new: str


@admin.register(LiveValue)
class LiveValueAdmin(StrictAdmin):
    """Values are changed by `live_changes` alone, which keeps who, when and why."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        back = self.admin_site.admin_view(self.roll_back_view)
        own = [path("rollback/<int:change>/", back, name="workers_livevalue_rollback")]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        groups: dict[str, list[Line]] = {}
        for line in read_lines():
            groups.setdefault(line.title, []).append(line)
        places = [*TITLES.values(), *sorted(groups.keys() - {*TITLES.values(), GONE}), GONE]
        context = {
            "title": "Live settings",
            "groups": [(title, groups[title]) for title in places if title in groups],
            "history": steps(LiveChange.objects.all()[:SHOWN_CHANGES]),
        }
        return self.show(request, "workers/admin/live.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A setting by its name, which need not have a value in the database yet."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        name = unquote(object_id)
        held = LiveValue.objects.filter(name=name).first()
        setting = known_or_none(name)
        if setting is None and held is None:
            raise Http404(f"there is no live setting {name}")
        form = make_form(setting, held, request.POST if request.method == "POST" else None)
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            actor, why = request.user.get_username(), request.POST.get("why", "")
            if RESET in request.POST:
                return self.make(request, name, lambda: reset(name, actor=actor, why=why))
            if form is not None and form.is_valid():
                given = form.cleaned_data
                return self.make(request, name, lambda: set_value(name, given["value"], actor=actor, why=given["why"]))
        context = {
            "title": f"Live setting {name}",
            "name": name,
            "setting": setting,
            "value": show_stored(name, held.value if held else None),
            "is_set": held is not None,
            "default": setting.show(setting.default) if setting else "",
            "form": form,
            "reset": RESET,
            "history": steps(LiveChange.objects.filter(name=name)[:SHOWN_CHANGES]),
        }
        status = HTTPStatus.BAD_REQUEST if form is not None and form.errors else HTTPStatus.OK
        return self.show(request, "workers/admin/live_setting.html", context, status)

    def roll_back_view(self, request: HttpRequest, change: int) -> HttpResponse:
        """Nothing but a POST takes a change back."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        undone = LiveChange.objects.filter(pk=change).first()
        if request.method != "POST" or undone is None:
            return redirect("admin:workers_livevalue_changelist")
        return self.make(request, undone.name, lambda: roll_back(change, actor=request.user.get_username()))

    def make(self, request: HttpRequest, name: str, change: Callable[[], Outcome]) -> HttpResponse:
        """Make the change, say what came of it, and show the setting."""
        try:
            outcome = change()
        except LiveError as error:
            messages.error(request, f"Nothing was changed: {error}.")
        else:
            web_values.forget()
            messages.success(request, f"{outcome.words}. Every process has it within seconds.")
        if LiveValue.objects.filter(name=name).exists() or known_or_none(name):
            return redirect("admin:workers_livevalue_change", quote(name))
        return redirect("admin:workers_livevalue_changelist")

    def show(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = HTTPStatus.OK
    ) -> HttpResponse:
        shared = self.admin_site.each_context(request) | {"may_change": self.has_change_permission(request)}
        return render(request, template, shared | context, status=status)


def read_lines() -> list[Line]:
    """Every declared setting, the flags of all workers, and whatever else has a value."""
    values = dict(LiveValue.objects.values_list("name", "value"))
    changes = {change.name: change for change in LiveChange.objects.order_by("name", "-id").distinct("name")}
    flags = {f"{FLAG}{worker}" for worker in WorkerRow.objects.values_list("program", flat=True)}
    names = sorted({setting.name for setting in known_settings()} | flags | set(values))
    return [
        Line(name, known_or_none(name), show_stored(name, values.get(name)), name in values, changes.get(name))
        for name in names
    ]


def make_form(setting: LiveSetting | None, held: LiveValue | None, data: Any) -> LiveForm | None:
    """None where nobody declares the setting any more: it can only be forgotten."""
    if setting is None:
        return None
    try:
        value = setting.default if held is None else setting.check(held.value)
    except LiveError:
        value = setting.default
    return LiveForm(data, setting=setting, value=value)


def steps(changes: Any) -> list[Step]:
    return [Step(change, quote(change.name), *show_step(change)) for change in changes]
