"""The schema of the API and a page to read and try it; both come from this server alone, so they work offline.

Whoever may read may read them, too: where reading is not public, the page needs a login.
"""

from django.http import HttpRequest, HttpResponse
from drf_spectacular.views import SpectacularSwaggerView

from api.openapi import read_schema
from api.resource import Resource
from api.rest import RestView


class Schema(Resource):
    """GET /api/v1/schema: OpenAPI 3.1 in JSON."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(read_schema(), content_type="application/json")


class Docs(RestView, SpectacularSwaggerView):
    """GET /api/v1/docs: Swagger UI over it."""

    permission_classes = RestView.permission_classes
    url = "/api/v1/schema"
    title = "Footprint API"
