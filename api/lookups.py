"""POST /api/v1/addresses/lookup: up to a thousand addresses at once."""

from collections.abc import Sequence
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, Meta, Struct, UnsetType

from api.bodies import read_json, unfit
from api.expansion import MEANING, expand_batch, wants_market
from api.openapi_parts import ANY_CASE
from api.questions import read_plain, shorten, unknown_chains
from api.resource import Resource, answer_encoded
from indexer.access.limits import limit_of
from indexer.chains.models import Chain
from indexer.positions.address import parse_address
from indexer.positions.answers import answer_many

MOST = 1000
PARAMETERS = {"expand": MEANING}
# For the schema alone: read_addresses says the same in sentences.
ADDRESSES = {"minItems": 1, "maxItems": MOST, "items": ANY_CASE}


class Question(Struct, forbid_unknown_fields=True):
    """Which addresses to look up, on which chains."""

    addresses: Annotated[list[str], Meta(description="in any case", extra_json_schema=ADDRESSES)]
    chains: Annotated[list[str] | UnsetType, Meta(description="these chains only; all without it")] = UNSET


class Lookups(Resource):
    """Every address is answered once, in the order first given; what holds for all of them is said once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        expanded = wants_market(read_plain(request.GET, PARAMETERS))
        question = read_json(request, Question, limit_of(self))
        users = read_addresses(question.addresses)

        def ask(known: Sequence[Chain]) -> bytes:
            return answer_many(users, choose_chains(known, question))

        content = self.chains.ask(ask)
        response = answer_encoded(expand_batch(content) if expanded else content)
        response.headers["Cache-Control"] = "no-store"
        return response


def read_addresses(texts: Sequence[str]) -> list[bytes]:
    if not texts:
        raise unfit(f"addresses is empty: name one, and {MOST:,} at most.", "#/addresses")
    if len(texts) > MOST:
        raise unfit(f"addresses has {len(texts):,} entries: {MOST:,} at most in one request.", "#/addresses")
    return [read_address(text, number) for number, text in enumerate(texts)]


def read_address(text: str, number: int) -> bytes:
    try:
        return parse_address(text, strict=False)
    except ValueError as error:
        raise unfit(f"{shorten(text)} at addresses[{number}] is {error}.", f"#/addresses/{number}") from None


def choose_chains(known: Sequence[Chain], question: Question) -> Sequence[Chain]:
    if question.chains is UNSET:
        return known
    if not question.chains:
        raise unfit("chains is empty: name one, or leave it out for all chains.", "#/chains")
    unknown = unknown_chains(known, question.chains)
    if unknown:
        raise unfit(unknown, "#/chains")
    return [chain for chain in known if chain.slug in question.chains]
