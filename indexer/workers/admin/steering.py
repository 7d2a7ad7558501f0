"""Starting, stopping, restarting and forgetting workers, and their flags: a page that says what will happen.

It does nothing to a process: it leaves an order, which the overseer of the worker's machine carries out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from indexer.workers.forgetting import StillThere, forget
from indexer.workers.live import LiveError, flag_of
from indexer.workers.live_changes import LONGEST_WHY, set_value
from indexer.workers.models import WorkerRow
from indexer.workers.programs import OVERSEER
from indexer.workers.states import ENDED, State
from indexer.workers.statuses import Status
from indexer.workers.steering import order

STEER, SWITCH = "workers.steer_worker", "workers.change_livevalue"


class Action(NamedTuple):
    """What may be done to a worker: `at_once` without a page before, `does` it, and says in words what was done.

    `does` takes the worker, who wants it, and why; it raises LiveError and StillThere.
    """

    name: str
    title: str
    icon: str
    permission: str
    effects: tuple[str, ...]
    does: Callable[[WorkerRow, str, str], str]
    at_once: bool = False
    is_grave: bool = False


def leave(action: str) -> Callable[[WorkerRow, str, str], str]:
    """Leaves such an order."""

    def leave_order(worker: WorkerRow, actor: str, why: str) -> str:
        if not order(worker.name, action, actor, why):
            return f"{worker}: {action} is ordered already."
        return f"{worker}: {action} is ordered; its machine's overseer does it within seconds."

    return leave_order


def switch(*, on: bool) -> Callable[[WorkerRow, str, str], str]:
    """Sets the worker's flag. LiveError where a reason is missing."""

    def change(worker: WorkerRow, actor: str, why: str) -> str:
        return f"{set_value(flag_of(worker.program).name, on, actor=actor, why=why).words}."

    return change


def forget_it(worker: WorkerRow, actor: str, why: str) -> str:
    """StillThere where its process has not ended."""
    forget(worker.name, actor, why)
    return f"{worker} is forgotten."


ACTIONS = {
    action.name: action
    for action in (
        Action(
            "start",
            "Start",
            "play_arrow",
            STEER,
            ("Its machine starts its process.",),
            leave("start"),
            at_once=True,
        ),
        Action(
            "stop",
            "Stop",
            "stop",
            STEER,
            (
                "It finishes what it is at, and its process ends. It stays ended until somebody starts it.",
                "To let it rest for a while, switch its flag off: then it stays at hand.",
            ),
            leave("stop"),
            is_grave=True,
        ),
        Action(
            "restart",
            "Restart",
            "restart_alt",
            STEER,
            ("It finishes what it is at, its process ends, and a new one begins.",),
            leave("restart"),
        ),
        Action(
            "switch-off",
            "Flag off",
            "toggle_off",
            SWITCH,
            (
                "It finishes what it is at and takes no more work, on every machine, within five seconds.",
                "Its process stays.",
                "It counts as well, and nobody restarts it. Whoever looks at it reads your reason.",
            ),
            switch(on=False),
            is_grave=True,
        ),
        Action(
            "switch-on",
            "Flag on",
            "toggle_on",
            SWITCH,
            ("It takes work again within five seconds, unless maintenance is on.",),
            switch(on=True),
            at_once=True,
        ),
        Action(
            "forget",
            "Forget",
            "delete",
            STEER,
            (
                "It is told of no more, and its log is removed. For a worker that is planned no more, or elsewhere.",
                "One that begins again on its machine comes back with its next heartbeat.",
            ),
            forget_it,
            is_grave=True,
        ),
    )
}


def offer(status: Status) -> list[Action]:
    """What makes sense for a worker in its state. An overseer carries orders out, and so cannot be given any."""
    names = [] if status.kind == OVERSEER else choose_steering(status)
    if status.state in ENDED:
        names.append("forget")
    return [ACTIONS[name] for name in names]


def choose_steering(status: Status) -> list[str]:
    """The orders, and the flag."""
    flag = "switch-off" if status.enabled else "switch-on"
    if status.state is State.CRASHED:
        return ["start", "stop", flag]
    return ["start", flag] if status.state in ENDED else ["stop", "restart", flag]


class SteerForm(forms.Form):
    why = forms.CharField(
        required=False,
        max_length=LONGEST_WHY,
        help_text="Others read it in the worker's history and in the audit.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


def steer_page(page: "ModelAdmin[Any]", request: HttpRequest, name: str, action: str) -> HttpResponse:
    """What the action means, and the form for it; posted, the action.

    `from=worker` leads back to the worker's page, where there is one afterwards.
    """
    if action not in ACTIONS:
        raise Http404(f"nothing called {action} can be done to a worker")
    chosen = ACTIONS[action]
    if not request.user.has_perm(chosen.permission):
        raise PermissionDenied
    worker = WorkerRow.objects.filter(pk=name).first()
    if worker is None:
        raise Http404(f"there is no worker {name}")
    everybody = reverse("admin:workers_workerrow_changelist")
    back = reverse("admin:workers_workerrow_change", args=[name]) if request.GET.get("from") == "worker" else everybody
    form = SteerForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            said = chosen.does(worker, request.user.get_username(), form.cleaned_data["why"])
        except (LiveError, StillThere) as error:
            form.add_error("why", f"{error}.")
        else:
            messages.success(request, said)
            return redirect(back if WorkerRow.objects.filter(pk=name).exists() else everybody)
    context = page.admin_site.each_context(request) | {
        "title": f"{chosen.title}: {name}",
        "action": chosen,
        "form": form,
        "back": back,
    }
    return render(request, "workers/admin/steer.html", context, status=400 if form.errors else 200)
