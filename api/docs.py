"""The schema of the API and a page to read and try it; both come from this server alone, so they work offline."""

from django.http import HttpRequest, HttpResponse
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from api.openapi import read_schema
from api.resource import Resource


class Schema(Resource):
    """GET /api/v1/schema: OpenAPI 3.1 in JSON."""

    scope = None

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(read_schema(), content_type="application/json")


class Docs(SpectacularSwaggerView):
    """GET /api/v1/docs: Swagger UI over it."""

    permission_classes = [AllowAny]
    url = "/api/v1/schema"
    title = "Footprint API"
