"""What the buttons of the pages share: they ask for the permission, do it by POST alone, and say what came of it."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from indexer.tasks.declaring import TaskError
from indexer.tasks.models import TaskRun

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


def obey_with_run(request: HttpRequest, asks: Callable[[str], TaskRun], words: str) -> int | None:
    """As `obey`, for what puts a run into the line, which `words` say; the run's number, None where there is none."""
    made: list[int] = []

    def does(actor: str) -> str:
        made.append(asks(actor).pk)
        return words

    obey(request, does)
    return made[0] if made else None
