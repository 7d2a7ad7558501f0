"""Every error of a DRF view as problem details."""

from http import HTTPStatus
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.exceptions import APIException, MethodNotAllowed

from api.problems import Problem, respond, respond_to_method, respond_to_outage, respond_to_problem, respond_to_refusal
from indexer.access.callers import Refusal


def respond_to_error(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER; None for what nobody expected, which handler500 answers."""
    request = context["request"]
    match error:
        case Problem():
            return respond_to_problem(error)
        case Refusal():
            return respond_to_refusal(error)
        case OperationalError() | InterfaceError() | psycopg.OperationalError() | psycopg.InterfaceError():
            return respond_to_outage(request.path, error)
        case MethodNotAllowed():
            return respond_to_method(request, context["view"].headers["Allow"])
        case APIException():
            return respond(HTTPStatus(error.status_code), str(error.detail))
    return None
