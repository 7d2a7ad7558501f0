"""What every resource of the API shares: answers in JSON, errors as problem details."""

from http import HTTPStatus

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from api.access import caller_of_request
from api.known_chains import KnownChains
from api.known_states import KnownStates
from api.problems import Problem, respond_to_method, respond_to_outage, respond_to_problem, respond_to_refusal
from indexer.access.callers import Refusal
from indexer.access.scopes import READ


def answer(content: object, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return answer_encoded(msgspec.json.encode(content), status)


def answer_encoded(content: bytes, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """What is JSON already."""
    return HttpResponse(content, status=status, content_type="application/json")


def allow(methods: str) -> HttpResponse:
    """What OPTIONS is answered: which methods are possible, and nothing else."""
    response = HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"Allow": methods})
    del response.headers["Content-Type"]
    return response


def keep_private(response: HttpResponseBase) -> HttpResponseBase:
    """Where not everybody may read, no cache on the way may give an answer to somebody else."""
    if not settings.PUBLIC_READ:
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


@method_decorator(csrf_exempt, name="dispatch")
class Resource(View):
    """A view over the chains: plain Django, since lookups are many and DRF would double what one costs.

    It only ever reads, with POST as well, so a forged request gains nothing, and none needs a token.

    All views of a process share one list of chains and one of their states; as_view(chains=…) gives one of its own.
    Whoever asks needs `scope`, where there is one.
    """

    chains = KnownChains()
    states = KnownStates()
    scope: str | None = READ

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            if self.scope is not None:
                caller_of_request(request, self.scope)
            return keep_private(super().dispatch(request, *args, **kwargs))
        except Problem as problem:
            return respond_to_problem(problem)
        except Refusal as refusal:
            return respond_to_refusal(refusal)
        except (OperationalError, InterfaceError) as error:
            return respond_to_outage(request.path, error)

    def options(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        return allow(super().options(request, *args, **kwargs).headers["Allow"])

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return respond_to_method(request, super().http_method_not_allowed(request, *args, **kwargs).headers["Allow"])
