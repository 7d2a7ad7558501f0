"""How the pages about workers write what is known of one: states, sizes and shares in few characters."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from indexer.access.labels import show
from indexer.chains.durations import UNKNOWN, show_brief, show_duration
from indexer.workers.admin.states import WORKER_STATES
from indexer.workers.admin.steering import Action, offer
from indexer.workers.models import WorkerOrder
from indexer.workers.statuses import Status


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size else UNKNOWN


def count_states(statuses: Iterable[Status]) -> list[tuple[SafeString, int]]:
    """How many workers are in each state that any of them is in, with the state's label."""
    found = [status.state.value for status in statuses]
    return [
        (show(shown.value, WORKER_STATES), found.count(shown.value)) for shown in WORKER_STATES if shown.value in found
    ]


def present(
    status: Status, orders: Mapping[str, WorkerOrder], now: datetime, may: Callable[[Action], bool]
) -> dict[str, Any]:
    """A worker as a row of the list and as the head of its page; `orders` are those that nobody has carried out yet."""
    order = orders.get(status.name)
    return {
        "name": status.name,
        "kind": status.kind,
        "host": status.host,
        "pid": status.pid,
        "state": show(status.state.value, WORKER_STATES),
        "healthy": status.healthy,
        "why": status.why,
        "needs_person": status.needs_person,
        "order": f"{order.action} ordered by {order.actor}, not done yet" if order else "",
        "since": show_duration((now - status.since).total_seconds()),
        "since_at": status.since,
        "last_run": f"{show_duration((now - status.last_run).total_seconds())} ago" if status.last_run else UNKNOWN,
        "errors": f"{status.error_rate:.0%}" if status.last_run else UNKNOWN,
        "items": f"{status.items_per_minute:,.1f}" if status.last_run else UNKNOWN,
        "latency": show_brief(status.latency),
        "restarts": status.restarts,
        "memory": megabytes(status.memory),
        "lag": show_duration(status.lag),
        "beat": f"{show_duration((now - status.beat_at).total_seconds())} ago",
        "started_at": status.started_at,
        "enabled": status.enabled,
        "actions": [action for action in offer(status) if may(action)],
    }
