"""Whether the server is alive, whether it is ready and what is not, and whether every chain's worker gets on.

Nobody needs a key for these: they are asked by load balancers and supervisors.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from msgspec import Struct

from api.resource import Resource, answer
from indexer.positions.health import ChainHealth, Status, check_health, sum_up
from indexer.positions.readiness import Obstacle, Readers, Readiness
from indexer.positions.standing import Standing
from indexer.tasks.freshness import Freshness, read_freshness


class HealthAnswer(Struct):
    """How the chains get on, the gravest of them; chains by name."""

    status: Status
    chains: dict[str, ChainHealth]


class LiveAnswer(Struct):
    """That this process answers."""

    status: Literal["alive"]


class Health(Resource):
    """GET /health: 503 when a chain's worker does not get on; one that is merely degraded still answers."""

    scope = None

    def get(self, request: HttpRequest) -> HttpResponse:
        chains = self.chains.ask(lambda known: check_health(known, stalled_after()))
        status = sum_up(chains.values())
        return answer(
            HealthAnswer(status, chains),
            HTTPStatus.SERVICE_UNAVAILABLE if status == "unhealthy" else HTTPStatus.OK,
        )


class Live(Resource):
    """GET /health/live: this process answers. What it needs besides is not asked: a restart would not help that."""

    scope = None

    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(LiveAnswer("alive"))


class ChainReadiness(Struct):
    """Block numbers are null before the first start; `processed_at` is when the last block was processed."""

    ready: bool
    processed_block: int | None
    head_block: int | None
    processed_at: datetime | None
    lag_blocks: int | None
    lag_seconds: int | None


class ReadyAnswer(Struct):
    """What stands in the way of right answers, if anything does; chains by name.

    `datasets`: what tasks keep, and whether it is older than promised, which stands in nobody's way.
    """

    status: Literal["ready", "not ready"]
    obstacles: list[Obstacle]
    chains: dict[str, ChainReadiness]
    datasets: list[Freshness]


class Ready(Resource):
    """GET /health/ready: 503 when something stands in the way of right answers, with the reason and the remedy."""

    scope = None
    readers = Readers()

    def get(self, request: HttpRequest) -> HttpResponse:
        found = self.readers.look(self.chains.read, self.chains.forget, stalled_after())
        chains = {str(each.chain.slug): show_chain(each, found.obstacles) for each in found.standings}
        content = ReadyAnswer(
            "not ready" if found.obstacles else "ready", found.obstacles, chains, read_datasets(found)
        )
        return answer(content, HTTPStatus.SERVICE_UNAVAILABLE if found.obstacles else HTTPStatus.OK)


def read_datasets(found: Readiness) -> list[Freshness]:
    """None while nobody can tell."""
    if not found.database:
        return []
    try:
        return read_freshness()
    except Error:
        # The database went since a moment ago, or lacks the tables: the obstacles say so.
        return []


def show_chain(standing: Standing, obstacles: list[Obstacle]) -> ChainReadiness:
    names = {str(standing.chain.slug), str(standing.chain.schema_name)}
    return ChainReadiness(
        ready=not any(found.about in names for found in obstacles),
        processed_block=standing.cursor,
        head_block=standing.head,
        processed_at=None if standing.cursor is None else standing.processed_at,
        lag_blocks=standing.lag_blocks,
        lag_seconds=None if standing.lag_seconds is None else int(standing.lag_seconds),
    )


def stalled_after() -> timedelta:
    return timedelta(seconds=settings.STALLED_AFTER_SECONDS)
