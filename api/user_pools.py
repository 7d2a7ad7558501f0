"""GET /user-pools/{address}: the pools of an address in the shape that clients of the model system know."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from msgspec import Struct

from api.addresses import read_address, read_parameters, shorten
from api.conditional import answer_tagged
from api.problems import wrong
from api.resource import Resource, answer
from indexer.chains.models import Chain
from indexer.positions.lookup import ChainAnswer, look_up, sort_values

PARAMETERS = {"include": "check_also, to add the contracts that must be checked by hand"}
INCOMPLETE = "Footprint-Incomplete"
"""The header that says what the shape cannot: the ids of the chains whose lists may be too short."""


class WithMetadata(Struct, rename="camel"):
    """A chain on which some contract has metadata; one without is the plain list of contracts."""

    contract_addresses: list[str]
    metadata: dict[str, list[str]]


class UserPools(Resource):
    """include=check_also: the lists, with all contracts to check in them, are never too short."""

    def get(self, request: HttpRequest, address: str) -> HttpResponseBase:
        query = read_parameters(request.GET, PARAMETERS)
        user = read_address(address, "in the path")
        if query.get("include", "check_also") != "check_also":
            raise wrong(f"include={shorten(query['include'])} is not known: only include=check_also is.")
        everything = "include" in query

        def make(chains: Sequence[Chain]) -> HttpResponse:
            if everything:
                return show(look_up(user, chains, after=b"", page=None).chains, everything=True)
            return show(look_up(user, chains).chains, everything=False)

        def ask(known: Sequence[Chain]) -> HttpResponseBase:
            return answer_tagged(request, known, self.states.read(known), lambda: make(known))

        return self.chains.ask(ask)


def show(chains: Sequence[ChainAnswer], *, everything: bool) -> HttpResponse:
    response = answer({"data": {str(chain.chain_id): show_chain(chain, everything=everything) for chain in chains}})
    incomplete = [str(chain.chain_id) for chain in chains if not chain.complete or chain.check_also.count]
    if incomplete and not everything:
        response.headers[INCOMPLETE] = ", ".join(incomplete)
    return response


def show_chain(chain: ChainAnswer, *, everything: bool) -> list[str] | WithMetadata:
    contracts = [pool.contract for pool in chain.pools]
    if everything:
        known = set(contracts)
        contracts += [contract for contract in chain.check_also.contracts if contract not in known]
    metadata = {
        pool.contract: sort_values({value for values in pool.metadata.values() for value in values})
        for pool in chain.pools
        if pool.metadata
    }
    return WithMetadata(contracts, metadata) if metadata else contracts
