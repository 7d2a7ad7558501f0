"""GET /api/v1/addresses/{address}: the pools an address has touched, on every chain, and how sure that is."""

from collections.abc import Collection, Mapping, Sequence

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase

from api.conditional import answer_tagged
from api.problems import wrong
from api.resource import Resource, answer
from indexer.chains.models import Chain
from indexer.positions.address import parse_address
from indexer.positions.lookup import look_up

PARAMETERS = {
    "chain": "chains by name with commas between",
    "check_also": "all, for the whole list of contracts to check",
    "after": "a contract, the last one of the page before",
}


class Addresses(Resource):
    """chain=a,b: these chains only; check_also=all and after=0x…: every contract to check of one chain, by pages."""

    def get(self, request: HttpRequest, address: str) -> HttpResponseBase:
        query = read_parameters(request.GET, PARAMETERS)
        user = read_address(address, "in the path")
        after = read_after(query)

        def ask(known: Sequence[Chain]) -> HttpResponseBase:
            chains = choose_chains(known, query, one=after is not None)
            return answer_tagged(
                request, chains, self.states.read(known), lambda: answer(look_up(user, chains, after=after))
            )

        return self.chains.ask(ask)


def read_parameters(query: QueryDict, meanings: Mapping[str, str]) -> dict[str, str]:
    """The parameters by name, each of which is known, by its meaning, and given once."""
    unknown = sorted(set(query) - set(meanings))
    if unknown:
        known = "; ".join(f"{name}: {meaning}" for name, meaning in meanings.items()) or "none"
        raise wrong(f"Unknown parameter {', '.join(map(shorten, unknown[:10]))}. Known are {known}.")
    parameters = {}
    for name, values in query.lists():
        if len(values) > 1:
            raise wrong(f"{name} is given more than once: give it once, {meanings[name]}.")
        parameters[name] = str(values[0])
    return parameters


def read_address(text: str, where: str) -> bytes:
    try:
        return parse_address(text, strict=False)
    except ValueError as error:
        raise wrong(f"{shorten(text)} {where} is {error}.") from None


def read_after(query: dict[str, str]) -> bytes | None:
    """Where the asked page of contracts to check begins; None when the first hundred are enough."""
    if "check_also" not in query:
        if "after" in query:
            raise wrong("after goes with check_also=all: add that, or leave after out.")
        return None
    if query["check_also"] != "all":
        raise wrong(f"check_also={shorten(query['check_also'])} is not known: only check_also=all is.")
    return read_address(query["after"], "in after") if "after" in query else b""


def choose_chains(known: Sequence[Chain], query: Mapping[str, str], *, one: bool) -> Sequence[Chain]:
    if "chain" not in query:
        chosen = known
    else:
        slugs = {slug.strip() for slug in query["chain"].split(",")}
        if "" in slugs:
            raise wrong(f"chain has an empty name in it: {PARAMETERS['chain']}, or leave it out for all chains.")
        chosen = pick_chains(known, slugs)
    if one and ("chain" not in query or len(chosen) != 1):
        raise wrong("check_also=all needs exactly one chain: name it, as in chain=ethereum.")
    return chosen


def pick_chains(known: Sequence[Chain], slugs: Collection[str]) -> Sequence[Chain]:
    """The chains of these names. Raises Problem naming those that are not known."""
    unknown = sorted(set(slugs) - {chain.slug for chain in known})
    if unknown:
        names = ", ".join(chain.slug for chain in known) or "none yet"
        raise wrong(f"Unknown chain {', '.join(map(shorten, unknown[:10]))}. Known are: {names}.")
    return [chain for chain in known if chain.slug in slugs]


def shorten(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
