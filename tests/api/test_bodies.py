"""No body is read beyond its limit, whatever is said of its length."""

from io import BytesIO
from typing import Any

import pytest
from django.conf import settings as project
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from api.bodies import BodyLimit, read_body
from api.problems import Problem
from api.resource import Resource
from indexer.access.limits import limit_body
from tests.api.problems import problem

LIMIT = 100


class Source(BytesIO):
    """A body that counts what is taken of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def request(source: Source, **environ: Any) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": source} | environ)


def chunked(source: Source) -> WSGIRequest:
    return request(source, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True})


def refused(asked: HttpRequest) -> tuple[int, str]:
    with pytest.raises(Problem) as raised:
        read_body(asked, LIMIT)
    return raised.value.status, raised.value.detail


def test_a_body_up_to_the_limit_is_read_whole() -> None:
    body = b"x" * LIMIT
    assert read_body(request(Source(body), CONTENT_LENGTH=str(LIMIT)), LIMIT) == body
    assert read_body(chunked(Source(body)), LIMIT) == body


def test_no_body_is_an_empty_one() -> None:
    assert read_body(request(Source(b"of the next request")), LIMIT) == b""
    assert read_body(request(Source(b""), CONTENT_LENGTH=""), LIMIT) == b""


def test_a_length_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    source = Source(b"x" * 1000)
    status, detail = refused(request(source, CONTENT_LENGTH="101"))
    assert (status, detail) == (413, "The body has more than 100 bytes, the most allowed.")
    assert source.taken == 0


def test_a_body_in_chunks_is_refused_once_it_is_too_long() -> None:
    source = Source(b"x" * 1_000_000)
    assert refused(chunked(source))[0] == 413
    assert source.taken == LIMIT + 1


def test_chunks_that_the_server_does_not_end_are_not_read() -> None:
    source = Source(b"x")
    assert refused(request(source, HTTP_TRANSFER_ENCODING="chunked"))[0] == 411
    assert source.taken == 0


def test_a_body_that_ends_early_is_a_400() -> None:
    status, detail = refused(request(Source(b"xx"), CONTENT_LENGTH="5"))
    assert (status, detail) == (400, "The body ends before it is complete: 2 of 5 bytes have come.")


@pytest.fixture
def small(settings: Settings) -> None:
    settings.BODY_LIMIT = 1024
    settings.WATCH_LIST_LIMIT = 4096


def answer_nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@limit_body("WATCH_LIST_LIMIT")
def answer_lists(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Lists(Resource):
    body_limit_setting = "WATCH_LIST_LIMIT"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("view", "length", "status"),
    [
        (Resource.as_view(), 1024, None),
        (Resource.as_view(), 1025, 413),
        (Lists.as_view(), 1025, None),
        (Lists.as_view(), 4097, 413),
        (answer_lists, 1025, None),
        (answer_lists, 4097, 413),
    ],
)
def test_every_view_has_a_limit_and_some_have_their_own(view: Any, length: int, status: int | None) -> None:
    limit = BodyLimit(answer_nothing)
    asked = RequestFactory().post("/", b"x" * length, content_type="text/plain")
    response = limit.process_view(asked, view, (), {})
    assert (response and response.status_code) == status


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/addresses/0x", "/user-pools/0x", "/admin/login/"])
def test_whatever_the_path_too_long_a_body_is_a_413(client: Client, path: str) -> None:
    response = client.post(path, b"x" * 1025, content_type="application/x-www-form-urlencoded")
    assert "more than 1,024 bytes" in problem(response, 413)["detail"]


def test_the_limits_come_before_what_reads_bodies() -> None:
    order = project.MIDDLEWARE
    assert order.index("api.bodies.BodyLimit") < order.index("django.middleware.csrf.CsrfViewMiddleware")
