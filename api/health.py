"""GET /health: whether every chain's worker gets on; 503 when one does not."""

from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.resource import Resource, answer
from indexer.positions.health import check_health


class Health(Resource):
    scope = None

    def get(self, request: HttpRequest) -> HttpResponse:
        stalled_after = timedelta(seconds=settings.STALLED_AFTER_SECONDS)
        chains = self.chains.ask(lambda known: check_health(known, stalled_after))
        healthy = all(chain.healthy for chain in chains.values())
        return answer(
            {"status": "healthy" if healthy else "unhealthy", "chains": chains},
            HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE,
        )
