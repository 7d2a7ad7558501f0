"""Bodies of requests: read whole, and never beyond a limit, whatever the client says of their length."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import msgspec
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from api.problems import Fault, Problem, respond, wrong
from indexer.access.limits import limit_of

Shape = TypeVar("Shape")


def read_json(request: HttpRequest, shape: type[Shape], limit: int) -> Shape:
    """The body as this shape.

    Raises Problem: 415 where it is no JSON by its headers, 400 where it is none at all, 422 with a JSON pointer to what
    does not fit, and what read_body raises.
    """
    if request.content_type != "application/json":
        sent = (request.content_type or "missing")[:60]
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type is {sent}; it must be application/json.")
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding.lower() != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding is not understood: send the body as it is.")
    body = read_body(request, limit)
    try:
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.ValidationError as error:
            # What is no JSON at all is a 400, wherever in it a wrong type stands.
            msgspec.json.decode(body)
            said, _, place = str(error).partition(" - at `$")
            raise unfit(f"The body does not fit: {error}.", pointer_of(place.removesuffix("`")), said) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(f"The body is no JSON: {error}.") from None
    except RecursionError:
        raise wrong("The body is nested too deeply.") from None


def unfit(detail: str, pointer: str, said: str = "") -> Problem:
    """422: the body is JSON, but not what is expected at this place of it; `said` says so without the place."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [Fault(said or detail, pointer=pointer)])


def pointer_of(place: str) -> str:
    """msgspec's `.a[0].b` as a JSON pointer."""
    return "#" + place.replace("[", "/").replace("]", "").replace(".", "/")


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises Problem: 413 before more than that is read, 400 where it ends early.

    A body in chunks has no length to judge it by; it is read until it ends or is too long.
    """
    stated = stated_length(request)
    if stated is not None and stated > limit:
        raise too_large(limit)
    body = read_chunks(request, limit + 1) if stated is None and is_chunked(request) else read_stated(request, stated)
    if len(body) > limit:
        raise too_large(limit)
    if stated is not None and len(body) < stated:
        raise wrong(f"The body ends before it is complete: {len(body):,} of {stated:,} bytes have come.")
    return body


def stated_length(request: HttpRequest) -> int | None:
    """Content-Length; None where there is none, as with a body in chunks."""
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def read_stated(request: HttpRequest, length: int | None) -> bytes:
    try:
        return request.read(length or 0)
    except UnreadablePostError:
        raise wrong("The body ends before it is complete.") from None


def is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def read_chunks(request: HttpRequest, most: int) -> bytes:
    """Django itself takes a body without a length for an empty one; the server knows where it ends."""
    if not isinstance(request, WSGIRequest) or not request.environ.get("wsgi.input_terminated"):
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "Say how long the body is: this server takes no body in chunks.")
    try:
        body: bytes = request.environ["wsgi.input"].read(most)
    except Exception:
        # Every server has exceptions of its own for chunks that are none, and for clients that have left.
        raise wrong("The body's chunks cannot be read.") from None
    return body


def too_large(limit: int) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {limit:,} bytes, the most allowed.")


class BodyLimit:
    """Middleware: a request that announces more than its view takes is a 413 before a byte of its body is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: object, kwargs: object
    ) -> HttpResponse | None:
        stated = stated_length(request)
        if not stated:
            return None
        limit = limit_of(view)
        if stated <= limit:
            return None
        problem = too_large(limit)
        return respond(problem.status, problem.detail)
