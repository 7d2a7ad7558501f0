"""Errors as RFC 9457 problem details, the same shape for every one."""

import logging
import math
import sys
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
import psycopg
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, Struct, UnsetType
from psycopg.errors import QueryCanceled

from indexer.access.callers import Refusal, TooManyRequests, Unauthenticated

log = logging.getLogger(__name__)


class Fault(Struct, frozen=True):
    """One thing wrong with a request: in a query parameter, or in its body at a JSON pointer such as `#/watches/0`."""

    detail: str
    parameter: str | UnsetType = UNSET
    pointer: str | UnsetType = UNSET


class ProblemDetails(Struct):
    """An error, as RFC 9457 writes it; `errors` names each part of the request that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: Sequence[Fault] | UnsetType = UNSET


class Problem(Exception):
    """A request that cannot be answered; `detail` names what is wrong and what would be right, `errors` each part.

    `retry_after`: seconds after which it may be tried again, where that is known.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, errors: Sequence[Fault] = (), retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after


def wrong(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def respond(status: HTTPStatus, detail: str, errors: Sequence[Fault] = ()) -> HttpResponse:
    """A problem response. Its type is about:blank, RFC 9457's for problems that the status code describes."""
    body = ProblemDetails("about:blank", status.phrase, status.value, detail, errors or UNSET)
    return HttpResponse(
        msgspec.json.encode(body),
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


def respond_to_problem(problem: Problem) -> HttpResponse:
    response = respond(problem.status, problem.detail, problem.errors)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def respond_to_refusal(refusal: Refusal) -> HttpResponse:
    """401 with what to show, 429 with when to come back, otherwise 403."""
    if isinstance(refusal, Unauthenticated):
        response = respond(HTTPStatus.UNAUTHORIZED, str(refusal))
        response.headers["WWW-Authenticate"] = 'Bearer realm="footprint"'
    elif isinstance(refusal, TooManyRequests):
        response = respond(HTTPStatus.TOO_MANY_REQUESTS, str(refusal))
        response.headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    else:
        response = respond(HTTPStatus.FORBIDDEN, str(refusal))
    return response


def respond_to_method(request: HttpRequest, allowed: str) -> HttpResponse:
    """405, for a method that is none of those allowed here."""
    detail = f"{request.method} is not possible here; possible are {allowed}."
    response = respond(HTTPStatus.METHOD_NOT_ALLOWED, detail)
    response.headers["Allow"] = allowed
    return response


def respond_to_outage(path: str, error: Exception) -> HttpResponse:
    """503, where the database cannot be reached or has given a statement up."""
    # A path may hold ends of lines, and what follows them would look like lines of the log.
    path = path.encode("unicode_escape").decode()
    if isinstance(error, QueryCanceled) or isinstance(error.__cause__, QueryCanceled):
        log.error("%s: the database has given a statement up: %s", path, str(error).strip())
        detail = "The database has given this up after STATEMENT_TIMEOUT; nothing was changed. Ask for less at once."
    else:
        log.error("%s: the database does not answer: %s", path, str(error).strip())
        detail = "The database does not answer; try again in some seconds."
    return respond(HTTPStatus.SERVICE_UNAVAILABLE, detail)


# What Django calls where no view answers; config.urls names them.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(HTTPStatus.BAD_REQUEST, "The request cannot be read; check its Host header and its parameters.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(HTTPStatus.NOT_FOUND, f"There is nothing at {request.path[:200]}; / lists what there is.")


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        # Of the admin: the views of the API answer it themselves.
        return respond_to_outage(request.path, error)
    return respond(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed at this request; its log says why. Try again.")
