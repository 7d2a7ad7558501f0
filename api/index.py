"""GET /: what there is to ask."""

from django.http import HttpRequest, HttpResponse
from msgspec import Struct

from api.resource import Resource, answer
from indexer.positions.lookup import ADDRESSES

LINKS = {
    "lookup": ADDRESSES + "{address}",
    "lookup on some chains": ADDRESSES + "{address}?chain={chain},{chain}",
    "lookup of up to 1,000 addresses (POST)": ADDRESSES + "lookup",
    "lookup in the shape of the model system": "/user-pools/{address}",
    "chains": "/api/v1/chains",
    "jobs": "/api/v1/chains/{chain}/jobs",
    "pools": "/api/v1/pools",
    "addresses of a pool": "/api/v1/pools/{chain}/{contract}/addresses",
    "what is watched": "/support",
    "pools of the market": "/api/v1/market/pools",
    "protocols of the market": "/api/v1/market/protocols",
    "contracts of the market's pools": "/api/v1/market/mappings",
    "workers": "/api/v1/workers/status",
    "schema": "/api/v1/schema",
    "documentation": "/api/v1/docs",
    "health": "/health",
    "alive": "/health/live",
    "ready": "/health/ready",
    "metrics": "/metrics",
}


class IndexAnswer(Struct):
    """What there is to ask."""

    name: str
    links: dict[str, str]


class Index(Resource):
    scope = None

    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(IndexAnswer("Footprint", LINKS))
