"""GET /api/v1/market/chains: the chains as the source calls them."""

from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.market import examples
from api.openapi import documented
from api.parameters import read_parameters
from api.rest import RestView
from indexer.market.answers.chains import ListedChain, list_chains


class ListedChains(Struct):
    """Every chain, by TVL."""

    chains: list[ListedChain]


class MarketChains(RestView):
    @documented(
        "listMarketChains", "List the market's chains", tag="Market", answer=ListedChains, example=examples.CHAINS
    )
    def get(self, request: Request) -> Response:
        """Every chain that the source knows, by TVL: its id, which of our chains it is, and how many pools it has."""
        read_parameters(request.GET)
        return Response(ListedChains(list_chains()))
