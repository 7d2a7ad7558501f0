"""GET /api/v1/market/protocols and /api/v1/market/protocols/{protocol}: by id, by slug, or by a slug of the past."""

from http import HTTPStatus

from django import forms
from django.http.response import HttpResponseBase
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.market import examples
from api.market.asking import CHAINS, PROTOCOL_CURSOR, following, read_after, read_chains
from api.market.sheets import SheetForm, answer_page, answer_sheet, fixed, wants_sheet
from api.openapi import documented
from api.parameters import Choice, Cursor, Flag, PageForm, Real, Text, read_parameters
from api.problems import Problem
from api.questions import shorten
from api.rest import RestView
from indexer.market.answers.protocols import (
    ORDERS,
    ListedProtocol,
    ProtocolFilters,
    ProtocolWithPools,
    find_protocol,
    find_protocols,
    list_protocols,
    read_protocol,
    read_protocols,
)


class ProtocolForm(forms.Form):
    chain = Text(help_text=CHAINS)
    category = Text(help_text="protocols of this category, in any case")
    parent = Text(help_text="protocols that are part of this one, by the source's id")
    min_tvl = Real(help_text="protocols with so many dollars or more")
    search = Text(help_text="protocols with this in their name, symbol, or a slug that they have or had")
    vanished = Flag(initial=False, help_text="whether the source lists them no more; false by default")


class ProtocolPage(PageForm):
    order = Choice(choices=tuple(ORDERS), initial="-tvl", help_text="by what, - for downward; what has none comes last")
    cursor = Cursor(pattern=PROTOCOL_CURSOR)


class ListedProtocols(Struct):
    """Protocols in the order that is asked for; `next` leads to the page behind this one, null on the last."""

    protocols: list[ListedProtocol]
    next: str | None


class Protocols(RestView):
    @documented(
        "listProtocols",
        "List the protocols",
        tag="Market",
        answer=ListedProtocols,
        example=examples.PROTOCOLS,
        sheet=examples.PROTOCOL_SHEET,
        parameters=[ProtocolForm, ProtocolPage, SheetForm],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The protocols, those with most TVL first."""
        asked = read_parameters(request.GET, ProtocolForm, ProtocolPage, SheetForm)
        named = {name: asked[name] for name in ProtocolFilters._fields if name in asked}
        filters = ProtocolFilters(**named, chains=read_chains(asked["chain"]))
        order = asked["order"]
        if wants_sheet(request, asked["format"]):
            return answer_sheet(ListedProtocol, fixed(find_protocols(filters, order), read_protocols), "protocols")
        page = list_protocols(filters, order, read_after(asked["cursor"]), asked["limit"])
        return answer_page(ListedProtocols(page.rows, following(request.path, request.GET, page.last)))


class ProtocolItem(RestView):
    @documented(
        "readProtocol",
        "Read a protocol",
        tag="Market",
        answer=ProtocolWithPools,
        example=examples.PROTOCOL,
        path=["protocol"],
    )
    def get(self, request: Request, protocol: str) -> Response:
        """A protocol with the slugs that it has and had, and what its pools amount to."""
        read_parameters(request.GET)
        found = read_protocol(known_protocol(protocol))
        if found is None:
            raise no_protocol(protocol)
        return Response(found)


def known_protocol(asked: str) -> str:
    """The id of the protocol of a path. Raises Problem, a 404, where it is not there."""
    # PostgreSQL's texts have no NUL in them.
    found = None if "\x00" in asked else find_protocol(asked)
    if found is None:
        raise no_protocol(asked)
    return found


def no_protocol(asked: str) -> Problem:
    remedy = "/api/v1/market/protocols?search=… finds some"
    return Problem(HTTPStatus.NOT_FOUND, f"There is no protocol {shorten(asked)}, nor was there one; {remedy}.")
