"""GET /api/v1/workers/status: every worker, its state and why, and what it gets done."""

from datetime import datetime

import msgspec
from django.db import connection
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api import openapi_examples as examples
from api.openapi import documented
from api.parameters import read_parameters
from api.rest import RestView
from indexer.workers.live import MAINTENANCE
from indexer.workers.live_values import web_values
from indexer.workers.states import MEANINGS, State
from indexer.workers.statuses import read_statuses


class WorkerStatus(Struct, rename="camel"):
    """A worker as it is now; null where something is not known, or does not apply to it.

    `since` is when its state began, `why` what is behind it; `enabled` says that its flag is on. `errorRate` is the
    share of its last runs that failed, `latency` the seconds that these took, `lag` the seconds that it is behind,
    `memory` bytes. `restartCount` counts from its last ten healthy minutes on; `needsPerson` is what somebody is to
    look at.
    """

    name: str
    kind: str
    healthy: bool
    enabled: bool
    state: State
    why: str
    since: datetime
    last_run: datetime | None
    error_rate: float
    items_per_minute: float
    latency: float | None
    restart_count: int
    memory: int
    lag: float | None
    needs_person: str | None


class WorkerList(Struct):
    """Every worker by name, whether maintenance is on, and what each state means."""

    workers: list[WorkerStatus]
    maintenance: bool
    meanings: dict[State, str]


class Workers(RestView):
    @documented(
        "listWorkers",
        "List the workers",
        tag="Server",
        answer=WorkerList,
        example=examples.WORKERS,
    )
    def get(self, request: Request) -> Response:
        """Every worker that has ever run: its state, told apart from the others, since when and why, and its figures.

        A worker that was switched off or told to stop is not unhealthy. While maintenance is on, no worker takes work.
        """
        read_parameters(request.GET)
        with connection.cursor() as cursor:
            found = [status.to_json() for status in read_statuses(cursor)]
        workers = msgspec.convert(found, list[WorkerStatus])
        return Response(WorkerList(workers, web_values().switch(MAINTENANCE), MEANINGS))
