"""Errors as RFC 9457 problem details, the same shape for every one."""

import math
from http import HTTPStatus

import msgspec
from django.http import HttpRequest, HttpResponse

from indexer.access.callers import Refusal, TooManyRequests, Unauthenticated


class Problem(Exception):
    """A request that cannot be answered; `detail` names what is wrong and what would be right."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def wrong(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def respond(status: HTTPStatus, detail: str) -> HttpResponse:
    """A problem response. Its type is about:blank, RFC 9457's for problems that the status code describes."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return HttpResponse(
        msgspec.json.encode(body),
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


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


# What Django calls where no view answers; config.urls names them.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(HTTPStatus.BAD_REQUEST, "The request cannot be read; check its Host header and its parameters.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(HTTPStatus.NOT_FOUND, f"There is nothing at {request.path[:200]}; / lists what there is.")


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed at this request; its log says why. Try again.")
