"""GET /api/v1/chains and /api/v1/chains/{chain}: how far every chain is."""

from datetime import timedelta

from django.conf import settings
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi import documented
from api.parameters import read_parameters
from api.rest import RestView
from indexer.positions.overview import ChainOverview, survey


class ChainList(Struct):
    """Every chain, by chain id."""

    chains: list[ChainOverview]


class Chains(RestView):
    @documented("listChains", "List the chains", tag="Chains", answer=ChainList)
    def get(self, request: Request) -> Response:
        """Every chain: how far its worker is, whether its answers are complete, and how many jobs stand how."""
        read_parameters(request.GET)
        return Response(ChainList(self.chains.ask(lambda known: survey(known, stalled_after()))))


class ChainDetail(RestView):
    @documented("readChain", "Read a chain", tag="Chains", answer=ChainOverview, path=["chain"])
    def get(self, request: Request, chain: str) -> Response:
        """One chain, as the list of chains shows it."""
        read_parameters(request.GET)
        return Response(self.ask_chain(chain, lambda found: survey([found], stalled_after()))[0])


def stalled_after() -> timedelta:
    return timedelta(seconds=settings.STALLED_AFTER_SECONDS)
