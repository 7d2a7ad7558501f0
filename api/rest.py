"""What the DRF views share: the chains, the caller, bodies in JSON, and changes that are recorded."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from django.http import HttpResponse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.views import APIView

from api.addresses import shorten
from api.bodies import read_body
from api.known_chains import KnownChains
from api.problems import Fault, Problem, wrong
from api.resource import Resource, keep_private
from indexer.access.audit import Recording, recorded
from indexer.access.callers import Caller
from indexer.chains.models import Chain
from indexer.positions.address import parse_address

Answer = TypeVar("Answer")
Body = TypeVar("Body")


class RestView(APIView):
    """A view over the chains. `write_scope` is what unsafe methods need; a view that has such must declare it."""

    chains: KnownChains = Resource.chains
    write_scope: str | None = None
    caller: Caller

    def ask_chain(self, slug: str, question: Callable[[Chain], Answer]) -> Answer:
        """Put a question to the chain of a path; a chain that is not there is a 404 that names those that are."""
        return self.chains.ask(lambda known: question(self.find(slug)))

    def find(self, slug: str) -> Chain:
        known = self.chains.read()
        for chain in known:
            if chain.slug == slug:
                return chain
        names = ", ".join(chain.slug for chain in known) or "none yet"
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no chain {shorten(slug)}. Known are: {names}.")

    def find_now(self, slug: str) -> Chain:
        """The same from a fresh list, before a change."""
        self.chains.forget()
        return self.find(slug)

    def recorded(self, action: str, chain: Chain, target: str) -> AbstractContextManager[Recording]:
        return recorded(self.caller.name, action, chain=chain.slug, target=target)

    def perform_authentication(self, request: Request) -> None:
        """Left to the permission; DRF's own would put nobody in the place of the login."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        return keep_private(super().finalize_response(request, response, *args, **kwargs))

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """What is possible here, in the header Allow; what it means stands in the schema."""
        return HttpResponse()


def read_json(request: Request, limit: int, kind: type[Body]) -> Body:
    """The body as `kind`. Raises UnsupportedMediaType, and Problem naming the place that is wrong."""
    if (request.content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(
            shorten(request.content_type or ""), detail="Send the body as Content-Type: application/json."
        )
    body = read_body(request._request, limit)
    try:
        # In two steps, so that what is no JSON at all is a 400, wherever in it a wrong type stands.
        return msgspec.convert(msgspec.json.decode(body), kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The body is not of the form that is expected: {error}.",
            [Fault(said, pointer=pointer_of(place.removesuffix("`")))],
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong(f"The body is not JSON: {error}.") from None


def pointer_of(place: str) -> str:
    """msgspec's `.a[0].b` as a JSON pointer."""
    return "#" + place.replace("[", "/").replace("]", "").replace(".", "/")


def read_contract(text: str) -> bytes:
    try:
        return parse_address(text, strict=False)
    except ValueError as error:
        raise wrong(f"{shorten(text)} in the path is {error}.") from None


def refused(sentences: list[str]) -> Problem:
    """422: what the body asks for cannot be; a sentence for each reason."""
    more = f" And {len(sentences) - 1:,} more." if sentences[1:] else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"Refused, and nothing was changed: {sentences[0]}.{more}",
        [Fault(sentence) for sentence in sentences],
    )
