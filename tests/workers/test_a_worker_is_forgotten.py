"""A worker that is planned no more is forgotten, by the command and by the page; one that is alive is not."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.workers.forgetting import StillThere, forget, remove
from indexer.workers.models import WorkerEvent, WorkerLine, WorkerOrder, WorkerRow
from indexer.workers.states import State
from tests.people import LogIn
from tests.workers.every_state import tell_a_history
from tests.workers.rows import look, runtime, tell

__all__ = ["runtime"]

PAGE = "/admin/workers/workerrow/"


def tell_of(connection: Connection, name: str, **columns: Any) -> None:
    """With a history, a log and orders, of which one is open."""
    tell(connection, name, **columns)
    tell_a_history(connection, name, lines=3)
    WorkerOrder.objects.create(worker=name, action="start", actor="ada")
    WorkerOrder.objects.create(worker=name, action="stop", actor="ada", done_at="2026-11-27T08:00:00Z")


def test_its_row_its_log_and_what_was_ordered_go_and_its_history_stays(runtime: Connection) -> None:
    for name in ("prices", "posts"):
        tell_of(runtime, name, said=State.STOPPED)
    events = WorkerEvent.objects.count()
    forget("prices", "ada", "it is built into another")
    assert list(WorkerRow.objects.values_list("name", flat=True)) == ["posts"]
    assert set(WorkerLine.objects.values_list("worker", flat=True)) == {"posts"}
    assert list(WorkerOrder.objects.filter(worker="prices").values_list("action", flat=True)) == ["stop"]
    assert WorkerOrder.objects.filter(worker="posts").count() == 2
    assert WorkerEvent.objects.count() == events
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.target) == ("ada", "forget worker", "prices")
    assert entry.outcome == "forgotten (it is built into another)"


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, "healthy"),
        ({"said": State.STARTING}, "starting"),
        ({"said": State.STOPPED_BY_FLAG}, "stopped by flag"),
        # Its heart beats, and so somebody may yet end it.
        ({"hung_after": 0.001, "progress": 5}, "hung"),
    ],
)
def test_one_that_is_alive_is_refused_with_its_state(
    runtime: Connection, run_dir: Path, columns: dict[str, Any], state: str
) -> None:
    tell_of(runtime, "prices", **columns)
    words = f"prices is {state}: only a worker that has ended is forgotten"
    with pytest.raises(CommandError, match=words):
        call_command("workers", "--run-dir", str(run_dir), "forget", "prices")
    assert WorkerRow.objects.exists()
    assert WorkerLine.objects.count() == 3
    assert WorkerOrder.objects.count() == 2
    assert AuditEntry.objects.get().outcome == f"failed: {words}"


def test_one_that_has_spoken_since_it_was_looked_at_is_refused(runtime: Connection) -> None:
    tell(runtime, "prices", said=State.STOPPED)
    status = look(runtime)["prices"]
    runtime.execute("UPDATE public.workers SET said = 'starting', beat_at = now()")
    with pytest.raises(StillThere, match="prices has just spoken again"):
        remove(status)
    assert WorkerRow.objects.exists()


def test_the_command_forgets_that_of_the_machine_that_is_gone(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "prices", host="old", beat=600, seen="dead", seen_at=timezone.now())
    tell(runtime, "prices@new", host="new")
    call_command("workers", "--run-dir", str(run_dir), "forget", "prices@old", "--why", "the machine is sold")
    assert list(WorkerRow.objects.values_list("name", flat=True)) == ["prices@new"]
    entry = AuditEntry.objects.get()
    assert entry.actor.startswith("shell:")
    assert (entry.target, entry.outcome) == ("prices", "forgotten (the machine is sold)")


@pytest.mark.parametrize("name", ["prices", "prices@b"])
def test_the_page_forgets_and_leads_to_the_list(log_in: LogIn, runtime: Connection, name: str) -> None:
    tell(runtime, name, host="b", said=State.STOPPED)
    client = log_in("operator")
    path = f"{PAGE}{name}/forget/?from=worker"
    assert path.replace("&", "&amp;") in client.get(f"{PAGE}{name}/").content.decode()
    assert "is removed" in client.get(path).content.decode()
    response = client.post(path, {"why": ""})
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert f"{name} is forgotten" in client.get(PAGE).content.decode()
    assert not WorkerRow.objects.exists()
    assert AuditEntry.objects.get().actor == "some-operator"


def test_the_page_refuses_one_that_is_alive(log_in: LogIn, runtime: Connection) -> None:
    tell(runtime, "prices")
    refused = log_in("operator").post(f"{PAGE}prices/forget/", {"why": ""})
    assert refused.status_code == 400
    assert "prices is healthy: only a worker that has ended is forgotten." in refused.content.decode()
    assert WorkerRow.objects.exists()
