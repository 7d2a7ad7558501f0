"""What the DRF views share: the chains, the caller, bodies in JSON, and changes that are recorded."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from api.bodies import read_json
from api.known_chains import KnownChains
from api.problems import Fault, Problem
from api.questions import find_chain
from api.resource import Resource, allow, keep_private
from indexer.access.audit import Recording, recorded
from indexer.access.callers import Caller
from indexer.access.limits import limit_of
from indexer.chains.models import Chain

Answer = TypeVar("Answer")
Body = TypeVar("Body")


class RestView(APIView):
    """A view over the chains. `write_scope` is what unsafe methods need; a view that has such must declare it."""

    chains: KnownChains = Resource.chains
    write_scope: str | None = None
    caller: Caller

    def ask_chain(self, slug: str, question: Callable[[Chain], Answer]) -> Answer:
        """Put a question to the chain of a path; a chain that is not there is a 404 that names those that are."""
        return self.chains.ask(lambda known: question(find_chain(known, slug)))

    def find_now(self, slug: str) -> Chain:
        """The chain of a path from a fresh list, before a change."""
        self.chains.forget()
        return find_chain(self.chains.read(), slug)

    def read_json(self, request: Request, shape: type[Body]) -> Body:
        return read_json(request._request, shape, limit_of(self))

    def recorded(self, action: str, chain: Chain, target: str) -> AbstractContextManager[Recording]:
        return recorded(self.caller.name, action, chain=chain.slug, target=target)

    def perform_authentication(self, request: Request) -> None:
        """Left to the permission; DRF's own would put nobody in the place of the login."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        return keep_private(super().finalize_response(request, response, *args, **kwargs))

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """What is possible here, in the header Allow; what it means stands in the schema."""
        return allow(self.headers["Allow"])


def refused(sentences: list[str]) -> Problem:
    """422: what the body asks for cannot be; a sentence for each reason."""
    more = f" And {len(sentences) - 1:,} more." if sentences[1:] else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"Refused, and nothing was changed: {sentences[0]}.{more}",
        [Fault(sentence) for sentence in sentences],
    )
