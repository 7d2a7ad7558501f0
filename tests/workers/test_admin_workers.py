"""The page Workers and that of each: what they tell, who may do something about it, and what is left of that."""

import re

import pytest
from django.test import Client

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.workers.admin.states import WORKER_STATES
from indexer.workers.admin.steering import ACTIONS, offer
from indexer.workers.live_changes import set_value
from indexer.workers.models import LiveChange, LiveValue, WorkerOrder
from indexer.workers.states import State
from tests.people import LogIn, make_user
from tests.positions.lookup_rows import statements
from tests.workers.every_state import NAMES, STACK, tell_a_history, tell_every_state
from tests.workers.rows import look, runtime, tell

__all__ = ["runtime"]

PAGE = "/admin/workers/workerrow/"
ROLES = ("operator", "administrator", "superuser")
ORDERS = ("start", "stop", "restart")
MOST = 15
"""Statements that a page of the admin may cost."""


def said(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return re.sub(r"\s+", " ", response.content.decode())


def row_of(text: str, worker: str) -> str:
    found = re.search(rf'<tr data-key="{worker}".*?</tr>', text)
    assert found, worker
    return found[0]


def label(state: str) -> str:
    return f">{state}</span>"


def test_every_state_is_shown_as_such_with_its_reason(log_in: LogIn, runtime: Connection) -> None:
    tell_every_state(runtime)
    client = log_in("viewer")
    for path in (PAGE, f"{PAGE}now/"):
        text = said(client, path)
        for name, state in NAMES.items():
            assert label(state) in row_of(text, name), name
        assert "needs a person: 5 restarts without ten healthy minutes" in row_of(text, "worker-arbitrum")
        assert "it was ended by signal 9" in row_of(text, "worker-arbitrum")
        assert "NEYNAR_API_KEY is not set" in row_of(text, "profiles")
        assert label("flag off") in row_of(text, "posts")
        figures = re.findall(r'<td data-label="([^"]+)"[^>]*>([^<]*)</td>', row_of(text, "worker-ethereum"))
        assert dict(figures) | {"last run": "4 s ago"} == {
            "last run": "4 s ago",
            "errors": "0%",
            "items/min": "5.1",
            "latency": "340 ms",
            "restarts": "0",
            "memory": "96 MB",
            "lag": "9 s",
        }


def test_without_a_worker_the_page_says_how_to_start_some(log_in: LogIn, runtime: Connection) -> None:
    assert "run_workers" in said(log_in("viewer"), PAGE)


def test_a_workers_page_has_its_history_its_stacks_and_its_log(log_in: LogIn, runtime: Connection) -> None:
    tell_every_state(runtime)
    tell_a_history(runtime, "worker-polygon")
    set_value("worker.worker-polygon", False, actor="ada", why="its node is <slow>")
    client = log_in("viewer")
    for path in (f"{PAGE}worker-polygon/", f"{PAGE}worker-polygon/now/"):
        text = said(client, path)
        assert "<b>order</b> restart: done" in text
        assert STACK.split("\n")[0].replace(">", "&gt;") in text
        assert text.index("17,000,000-17,000,001") < text.index("17,000,029-17,000,030")
        assert "&lt;b&gt;stored&lt;/b&gt;" in text
        assert "off, set by ada" in text
        assert "its node is &lt;slow&gt;" in text
    assert client.get(f"{PAGE}worker-nobody/").status_code == 404
    assert client.get(f"{PAGE}worker-nobody/now/").status_code == 404


def test_pages_cost_the_same_few_statements_for_any_number(log_in: LogIn, runtime: Connection) -> None:
    for number in range(50):
        tell(runtime, f"worker-{number}")
        WorkerOrder.objects.create(worker=f"worker-{number}", action="stop", actor="ada")
    tell_a_history(runtime, "worker-7", lines=300)
    client = log_in("administrator")
    for path in (PAGE, f"{PAGE}now/", f"{PAGE}worker-7/", f"{PAGE}worker-7/now/", f"{PAGE}worker-7/stop/"):
        with statements() as sent:
            assert client.get(path).status_code == 200
        assert len(sent) < MOST, (path, sent)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ORDERS)
def test_who_may_leaves_an_order_that_is_recorded(log_in: LogIn, runtime: Connection, role: str, action: str) -> None:
    tell(runtime, "prices")
    client = log_in(role)
    response = client.post(f"{PAGE}prices/{action}/", {"why": "a new key"})
    assert (response.status_code, response["Location"]) == (302, PAGE)
    order = WorkerOrder.objects.get()
    assert (order.worker, order.action, order.actor, order.why) == ("prices", action, f"some-{role}", "a new key")
    assert order.done_at is None
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.target) == (f"some-{role}", f"{action} worker", "prices")
    assert entry.outcome == f"order {order.pk} (a new key)"
    text = said(client, PAGE)
    assert f"prices: {action} is ordered" in text
    assert f"{action} ordered by some-{role}, not done yet" in row_of(text, "prices")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_switches_a_flag_and_says_why(log_in: LogIn, runtime: Connection, role: str) -> None:
    tell(runtime, "prices")
    client = log_in(role)
    refused = client.post(f"{PAGE}prices/switch-off/?from=worker", {"why": " "})
    assert refused.status_code == 400
    assert "say why" in refused.content.decode()
    assert not LiveValue.objects.exists()
    response = client.post(f"{PAGE}prices/switch-off/?from=worker", {"why": "prices are wrong"})
    assert (response.status_code, response["Location"]) == (302, f"{PAGE}prices/")
    change = LiveChange.objects.get()
    assert (change.name, change.new, change.actor) == ("worker.prices", False, f"some-{role}")
    assert change.why == "prices are wrong"
    assert client.post(f"{PAGE}prices/switch-on/").status_code == 302
    assert LiveValue.objects.get().value is True
    assert [(entry.actor, entry.action, entry.target) for entry in AuditEntry.objects.all()] == [
        (f"some-{role}", "set live setting", "worker.prices")
    ] * 2


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_else_does_anything(log_in: LogIn, runtime: Connection, action: str) -> None:
    tell(runtime, "prices", said="stopped" if action == "start" else "healthy")
    path = f"{PAGE}prices/{action}/"
    viewer, nobody = log_in("viewer"), log_in("nobody")
    for client in (viewer, nobody):
        assert client.get(path).status_code == client.post(path, {"why": "for fun"}).status_code == 403
    assert path not in said(viewer, PAGE)
    assert path not in said(viewer, f"{PAGE}prices/")
    stranger = Client().post(path, {"why": "for fun"})
    assert (stranger.status_code, stranger["Location"].partition("?")[0]) == (302, "/admin/login/")
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(make_user("operator"))
    assert forged.post(path, {"why": "for fun"}).status_code == 403
    assert not WorkerOrder.objects.exists()
    assert not LiveChange.objects.exists()
    assert not AuditEntry.objects.exists()


def test_nobody_without_a_role_sees_workers(log_in: LogIn, runtime: Connection) -> None:
    tell(runtime, "prices")
    client = log_in("nobody")
    for path in (PAGE, f"{PAGE}now/", f"{PAGE}prices/", f"{PAGE}prices/now/"):
        assert client.get(path).status_code == 403, path
        assert Client().get(path).status_code == 302, path


def test_looking_does_nothing_and_what_is_unknown_is_not_found(log_in: LogIn, runtime: Connection) -> None:
    tell(runtime, "prices")
    client = log_in("operator")
    for action in ACTIONS:
        assert ACTIONS[action].effects[0] in said(client, f"{PAGE}prices/{action}/").replace("&#x27;", "'")
    assert client.post(f"{PAGE}prices/kill/").status_code == 404
    assert client.post(f"{PAGE}worker-nobody/stop/").status_code == 404
    assert not WorkerOrder.objects.exists()
    assert not LiveChange.objects.exists()


def test_what_is_ordered_already_is_not_ordered_twice(log_in: LogIn, runtime: Connection) -> None:
    tell(runtime, "prices")
    client = log_in("operator")
    for _ in range(2):
        client.post(f"{PAGE}prices/restart/")
    assert WorkerOrder.objects.count() == 1
    assert "restart is ordered already" in said(client, PAGE)
    assert AuditEntry.objects.latest("id").outcome == "ordered already"
    WorkerOrder.objects.update(done_at="2026-11-27T08:00:00Z")
    client.post(f"{PAGE}prices/restart/")
    assert WorkerOrder.objects.count() == 2


@pytest.mark.parametrize(
    ("worker", "offered"),
    [
        ("worker-ethereum", ["stop", "restart", "switch-off"]),
        ("worker-polygon", ["stop", "restart", "switch-off"]),
        # Its machine goes on starting it: it can be told not to.
        ("worker-arbitrum", ["start", "stop", "switch-off", "forget"]),
        ("profiles", ["start", "switch-off", "forget"]),
        ("summaries", ["start", "switch-off", "forget"]),
        ("posts", ["stop", "restart", "switch-on"]),
        # It is the one that carries orders out.
        ("overseer", []),
    ],
)
def test_what_is_offered_makes_sense_in_the_state(runtime: Connection, worker: str, offered: list[str]) -> None:
    tell_every_state(runtime)
    assert [action.name for action in offer(look(runtime)[worker])] == offered


def test_every_state_has_a_colour_and_a_meaning() -> None:
    assert {shown.value for shown in WORKER_STATES} == set(State)
    assert all(shown.meaning for shown in WORKER_STATES)
