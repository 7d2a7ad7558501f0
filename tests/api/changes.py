"""Every change that the API makes, and who sends it."""

from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from indexer.access.keys import make_key
from indexer.access.scopes import WRITE_JOBS, WRITE_TASKS, WRITE_WATCHES, Role
from indexer.chains.connections import Connection
from indexer.market.models import WatchProposal
from indexer.tasks.models import Schedule
from tests.positions.lookup_rows import contract
from tests.positions.world import A, watch
from tests.tasks.told import tell_partition, tell_run

TOKEN = "a" * 32
FAILED_RUN, RUNNING_RUN, SCHEDULE = 900_001, 900_002, 900_003
"""Numbers that no row comes to by itself."""


class Change(NamedTuple):
    """What a route does to the first job of hilltop, or to a run of `tell_tasks`, and the scope that it needs."""

    method: str
    pattern: str
    body: object
    scope: str
    run: int = FAILED_RUN


NEW = {"contract": "0x" + contract(7).hex(), "event": "Transfer", "protocol": "p", "product": "q"}
CHANGES = [
    Change("post", "api/v1/chains/<str:chain>/jobs", NEW, WRITE_JOBS),
    Change("patch", "api/v1/chains/<str:chain>/jobs/<int:job>", {"enabled": False}, WRITE_JOBS),
    Change("post", "api/v1/chains/<str:chain>/jobs/<int:job>/rescan", {"from_block": 0}, WRITE_JOBS),
    Change("post", "api/v1/tasks/<str:task>/runs", {}, WRITE_TASKS),
    Change("post", "api/v1/tasks/<str:task>/backfill", {}, WRITE_TASKS),
    Change("post", "api/v1/tasks/<str:task>/runs/<int:run>/cancel", {}, WRITE_TASKS, RUNNING_RUN),
    Change("post", "api/v1/tasks/<str:task>/runs/<int:run>/retry", {}, WRITE_TASKS, FAILED_RUN),
    Change("patch", "api/v1/tasks/<str:task>/schedules/<int:schedule>", {"paused": True}, WRITE_TASKS),
    Change("post", "api/v1/market/proposals/<int:proposal>/accept", None, WRITE_JOBS),
    Change("post", "api/v1/market/proposals/<int:proposal>/dismiss", None, WRITE_JOBS),
    Change("post", "api/v1/watch-lists", watch({A: "Transfer"}), WRITE_WATCHES),
]
EVERY_CHANGE = pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.method} {change.pattern}")


def with_key(name: str, scopes: set[str]) -> Client:
    key = make_key(name, sorted(scopes), created_by="test").text
    return Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {key}"})


def with_login(role: Role | None, *, token: bool) -> Client:
    client = Client(enforce_csrf_checks=True, headers={"x-csrftoken": TOKEN} if token else {})
    user = User.objects.create_user("ada", password="correct horse")
    if role:
        user.groups.add(Group.objects.get(name=role.name))
    client.force_login(user)
    if token:
        client.cookies["csrftoken"] = TOKEN
    return client


def state(connection: Connection) -> list[Any]:
    return [
        *connection.execute("SELECT id, enabled, covered, live_from FROM jobs ORDER BY id"),
        *connection.execute("SELECT id, state, cancelled_by FROM public.task_runs ORDER BY id"),
        *connection.execute("SELECT id, paused FROM public.task_schedules ORDER BY id"),
        *WatchProposal.objects.order_by("id").values_list("id", "state"),
    ]


def tell_tasks(connection: Connection) -> None:
    """A failed and a running run of plough-fields, and its schedule, all with the numbers that the changes name."""
    tell_run(connection, "plough-fields", "failed", id=FAILED_RUN)
    tell_run(connection, "plough-fields", "running", id=RUNNING_RUN)
    tell_partition(connection, "north", "failed", error="a stone", run=FAILED_RUN)
    Schedule(pk=SCHEDULE, name="plough", task="plough-fields", cron="0 6 * * SUN").save(force_insert=True)
