"""GET /api/v1/market/mappings: which pools a contract is of, and how sure that is."""

from django import forms
from django.http.response import HttpResponseBase
from msgspec import Struct
from rest_framework.request import Request

from api.market import examples
from api.market.asking import CHAINS, ROW_CURSOR, UUIDS, following, read_after, read_chains
from api.market.sheets import SheetForm, answer_page, answer_sheet, wants_sheet
from api.openapi import documented
from api.parameters import Choice, Cursor, Flag, PageForm, Real, Text, read_parameters
from api.rest import RestView
from indexer.market.answers.mappings import Mapping, MappingFilters, list_mappings


class PoolId(forms.UUIDField):
    schema = {"type": "string", "pattern": f"^{UUIDS}$"}


class MappingForm(forms.Form):
    address = Text(help_text="mappings of this contract; of EVM chains in any case")
    chain = Text(help_text=CHAINS)
    min_confidence = Real(min_value=0, max_value=1, help_text="mappings that are so sure or surer")
    kind = Choice(choices=("pool", "token"), help_text="whether it is the pool, or a token below it")
    refuted = Flag(initial=False, help_text="whether the chain contradicts them; false by default")
    pool = PoolId(required=False, help_text="mappings of this pool")


class MappingPage(PageForm):
    cursor = Cursor(pattern=ROW_CURSOR)


class Mappings(Struct):
    """Mappings by id; `next` leads to the page behind this one, null on the last."""

    mappings: list[Mapping]
    next: str | None


class MarketMappings(RestView):
    @documented(
        "listMappings",
        "List contracts of pools",
        tag="Market",
        answer=Mappings,
        example=examples.MAPPINGS,
        sheet=examples.MAPPING_SHEET,
        parameters=[MappingForm, MappingPage, SheetForm],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Contracts with the pools that they are said to be, by what evidence, and how the confidence comes."""
        asked = read_parameters(request.GET, MappingForm, MappingPage, SheetForm)
        named = {name: asked[name] for name in MappingFilters._fields if name in asked}
        filters = MappingFilters(**named, chains=read_chains(asked["chain"]))
        if wants_sheet(request, asked["format"]):
            return answer_sheet(Mapping, lambda after, limit: list_mappings(filters, after, limit), "mappings")
        page = list_mappings(filters, read_after(asked["cursor"]), asked["limit"])
        return answer_page(Mappings(page.rows, following(request.path, request.GET, page.last)))
