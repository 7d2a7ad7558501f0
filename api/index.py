"""GET /: what there is to ask."""

from django.http import HttpRequest, HttpResponse

from api.resource import Resource, answer
from indexer.positions.lookup import ADDRESSES

LINKS = {
    "lookup": ADDRESSES + "{address}",
    "lookup on some chains": ADDRESSES + "{address}?chain={chain},{chain}",
    "lookup of up to 1,000 addresses (POST)": ADDRESSES + "lookup",
    "lookup in the shape of the model system": "/user-pools/{address}",
    "health": "/health",
    "alive": "/health/live",
    "ready": "/health/ready",
    "metrics": "/metrics",
}


class Index(Resource):
    scope = None

    def get(self, request: HttpRequest) -> HttpResponse:
        return answer({"name": "Footprint", "links": LINKS})
