"""POST /api/v1/addresses/lookup: up to a thousand addresses at once."""

from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, Struct, UnsetType

from api.addresses import pick_chains, read_address, read_parameters
from api.bodies import read_json
from api.problems import wrong
from api.resource import Resource, answer
from indexer.chains.models import Chain
from indexer.positions.batch import Batch, look_up_many

MOST = 1000


class Question(Struct, forbid_unknown_fields=True):
    """The body; without `chains` all are asked."""

    addresses: list[str]
    chains: list[str] | UnsetType = UNSET


class Lookups(Resource):
    """Every address is answered once, in the order first given; what holds for all of them is said once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        read_parameters(request.GET, {})
        question = read_json(request, Question, settings.BODY_LIMIT)
        users = read_addresses(question.addresses)

        def ask(known: Sequence[Chain]) -> Batch:
            return look_up_many(users, choose_chains(known, question))

        response = answer(self.chains.ask(ask))
        response.headers["Cache-Control"] = "no-store"
        return response


def read_addresses(texts: Sequence[str]) -> list[bytes]:
    if not texts:
        raise wrong(f"addresses is empty: name one, and {MOST:,} at most.")
    if len(texts) > MOST:
        raise wrong(f"addresses has {len(texts):,} entries: {MOST:,} at most in one request.")
    return [read_address(text, f"at addresses[{number}]") for number, text in enumerate(texts)]


def choose_chains(known: Sequence[Chain], question: Question) -> Sequence[Chain]:
    if question.chains is UNSET:
        return known
    if not question.chains:
        raise wrong("chains is empty: name one, or leave it out for all chains.")
    return pick_chains(known, question.chains)
