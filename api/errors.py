"""Every error of a DRF view as problem details."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import psycopg
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAcceptable, ValidationError

from api.problems import Fault, Problem, not_found, respond, respond_to_outage, respond_to_refusal
from indexer.access.callers import Refusal


def respond_to_error(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER; None for what nobody expected, which handler500 answers."""
    request = context["request"]
    match error:
        case Problem():
            return respond(error.status, error.detail, error.errors)
        case Refusal():
            return respond_to_refusal(error)
        case OperationalError() | InterfaceError() | psycopg.OperationalError() | psycopg.InterfaceError():
            return respond_to_outage(request.path, error)
        case Http404():
            return not_found(request, error)
        case PermissionDenied():
            return respond(HTTPStatus.FORBIDDEN, str(error) or "This is not allowed.")
        case ValidationError():
            faults = list(find_faults(error.detail))
            return respond(HTTPStatus.BAD_REQUEST, "; ".join(fault.detail for fault in faults), faults)
        case MethodNotAllowed():
            allowed = context["view"].headers["Allow"]
            detail = f"{request.method} is not possible here; possible are {allowed}."
            return respond(HTTPStatus.METHOD_NOT_ALLOWED, detail)
        case NotAcceptable():
            return respond(HTTPStatus.NOT_ACCEPTABLE, "Answers are application/json: let Accept allow that.")
        case APIException():
            return respond(HTTPStatus(error.status_code), str(error.detail))
    return None


def find_faults(detail: Any, path: str = "#") -> Iterator[Fault]:
    """The leaves of a ValidationError's detail with the pointers that lead to them."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from find_faults(value, f"{path}/{key}")
    elif isinstance(detail, list | tuple):
        for part in detail:
            yield from find_faults(part, path)
    else:
        yield Fault(str(detail), pointer=path)
