"""What the buttons of the pages share: they ask for the permission, do it by POST alone, and say what came of it."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from indexer.tasks.declaring import TaskError

STEER = "tasks.steer_task"


def obey(request: HttpRequest, does: Callable[[str], str]) -> None:
    """Do what a button says; `does` takes who wants it and says in words what came of it."""
    if not request.user.has_perm(STEER):
        raise PermissionDenied
    if request.method != "POST":
        return
    try:
        messages.success(request, does(request.user.get_username()))
    except TaskError as error:
        messages.error(request, f"Nothing was changed: {error}.")
