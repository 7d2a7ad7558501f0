"""GET /api/v1/market/pools and /api/v1/market/pools/{pool}: what pools pay, hold, and which contracts they are."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.http.response import HttpResponseBase
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.market import examples
from api.market.asking import CHAINS, POOL_CURSOR, following, read_after, read_chains, read_uuid
from api.market.sheets import SheetForm, answer_page, answer_sheet, fixed, wants_sheet
from api.openapi import documented
from api.parameters import Choice, Cursor, Flag, PageForm, Real, Text, read_parameters
from api.problems import Problem
from api.rest import RestView
from indexer.market.answers.pools import (
    ORDERS,
    ListedPool,
    PoolFilters,
    PoolWithMappings,
    find_pools,
    list_pools,
    read_pool,
    read_pools,
)
from indexer.market.answers.protocols import find_protocol


class MarketPoolForm(forms.Form):
    chain = Text(help_text=CHAINS)
    project = Text(help_text="pools of this project: a slug that its protocol has or had")
    protocol = Text(help_text="pools of this protocol: its id, its slug or one that it had")
    stablecoin = Flag(help_text="whether they are of stablecoins")
    exposure = Choice(choices=("single", "multi"), help_text="how many tokens they are exposed to")
    min_tvl = Real(help_text="pools with so many dollars or more")
    min_apy = Real(help_text="pools that pay so many per cent or more")
    max_apy = Real(help_text="pools that pay so many per cent or less")
    token = Text(help_text="pools with this underlying token, in any case")
    has_contract = Flag(help_text="whether a contract of theirs is known with a confidence of 0.8 or more")
    search = Text(help_text="pools with this in their symbol, project, meta or protocol's name")
    vanished = Flag(initial=False, help_text="whether the source lists them no more; false by default")


class MarketPoolPage(PageForm):
    order = Choice(choices=tuple(ORDERS), initial="-tvl", help_text="by what, - for downward; what has none comes last")
    cursor = Cursor(pattern=POOL_CURSOR)


class ListedPools(Struct):
    """Pools in the order that is asked for; `next` leads to the page behind this one, null on the last."""

    pools: list[ListedPool]
    next: str | None


class MarketPools(RestView):
    @documented(
        "listMarketPools",
        "List the market's pools",
        tag="Market",
        answer=ListedPools,
        example=examples.POOLS,
        sheet=examples.POOL_SHEET,
        parameters=[MarketPoolForm, MarketPoolPage, SheetForm],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The pools of every protocol, those with most TVL first, each with the surest of its contracts."""
        asked = read_parameters(request.GET, MarketPoolForm, MarketPoolPage, SheetForm)
        filters, order = read_filters(asked), asked["order"]
        if wants_sheet(request, asked["format"]):
            return answer_sheet(ListedPool, fixed(find_pools(filters, order), read_pools), "pools")
        page = list_pools(filters, order, read_after(asked["cursor"]), asked["limit"])
        return answer_page(ListedPools(page.rows, following(request.path, request.GET, page.last)))


class MarketPoolItem(RestView):
    @documented(
        "readMarketPool",
        "Read a pool of the market",
        tag="Market",
        answer=PoolWithMappings,
        example=examples.POOL,
        path=["pool"],
    )
    def get(self, request: Request, pool: str) -> Response:
        """A pool with every contract that is said to be of it, by what evidence, and how the confidence comes."""
        read_parameters(request.GET)
        wanted = read_uuid(pool)
        found = read_pool(wanted)
        if found is None:
            raise no_pool(wanted)
        return Response(found)


def read_filters(asked: dict[str, Any]) -> PoolFilters:
    """What the parameters ask for. A protocol that nobody knows has no pools."""
    protocol = asked["protocol"]
    named = {name: asked[name] for name in PoolFilters._fields if name in asked}
    if protocol is not None:
        named["protocol"] = find_protocol(protocol) or protocol
    return PoolFilters(**named, chains=read_chains(asked["chain"]))


def no_pool(pool: UUID) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no pool {pool} in the market; /api/v1/market/pools finds some.")
