"""GET /api/v1/addresses/{address}: the pools an address has touched, on every chain, and how sure that is."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from msgspec import json

from api.conditional import answer_tagged
from api.expansion import MEANING, expand_lookup, wants_market
from api.questions import CHAINS, choose_chains, read_address, read_plain, shorten, wrong_parameter
from api.resource import Resource, answer_encoded
from indexer.chains.models import Chain
from indexer.positions.address import parse_address
from indexer.positions.answers import answer_one
from indexer.positions.lookup import look_up

PARAMETERS = {
    "chain": CHAINS,
    "check_also": "all, for the whole list of contracts to check",
    "after": "a contract, the last one of the page before",
    "expand": MEANING,
}


class Addresses(Resource):
    """chain=a,b: these chains only; check_also=all and after=0x…: every contract to check of one chain, by pages;
    expand=market: what the market says of each pool's contract."""

    def get(self, request: HttpRequest, address: str) -> HttpResponseBase:
        query = read_plain(request.GET, PARAMETERS)
        user = read_address(address)
        after = read_after(query)
        expanded = wants_market(query)

        def ask(known: Sequence[Chain]) -> HttpResponseBase:
            chains = choose_chains(known, query.get("chain"))
            if after is not None and ("chain" not in query or len(chains) != 1):
                raise wrong_parameter("chain", "check_also=all needs exactly one chain: name it, as in chain=ethereum.")
            if expanded:
                # Its tag would have to change with the market, too.
                response = answer_encoded(expand_lookup(look(chains)))
                response.headers["Cache-Control"] = "no-store"
                return response
            return answer_tagged(request, chains, self.states.read(known), lambda: make(chains))

        def make(chains: Sequence[Chain]) -> HttpResponse:
            return answer_encoded(look(chains))

        def look(chains: Sequence[Chain]) -> bytes:
            if after is None:
                return answer_one(user, chains)
            return json.encode(look_up(user, chains, after=after))

        return self.chains.ask(ask)


def read_after(query: Mapping[str, str]) -> bytes | None:
    """Where the asked page of contracts to check begins; None when the first hundred are enough."""
    if "check_also" not in query:
        if "after" in query:
            raise wrong_parameter("after", "after goes with check_also=all: add that, or leave after out.")
        return None
    if query["check_also"] != "all":
        asked = shorten(query["check_also"])
        raise wrong_parameter("check_also", f"check_also={asked} is not known: only check_also=all is.")
    if "after" not in query:
        return b""
    try:
        return parse_address(query["after"], strict=False)
    except ValueError as error:
        raise wrong_parameter("after", f"{shorten(query['after'])} in after is {error}.") from None
