"""GET /api/v1/market/pools/{pool}/snapshots and …/protocols/{protocol}/snapshots: day by day, the oldest first."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http.response import HttpResponseBase
from msgspec import Struct
from rest_framework.request import Request

from api.market import examples
from api.market.asking import read_uuid
from api.market.pools import no_pool
from api.market.protocols import known_protocol
from api.market.sheets import SheetForm, answer_page, answer_sheet, wants_sheet
from api.openapi import documented
from api.parameters import DAY, Cursor, Day, PageForm, next_page, read_parameters
from api.questions import wrong_parameter
from api.rest import RestView
from indexer.market.answers.snapshots import PoolDay, ProtocolDay, Span, pool_days, protocol_days
from indexer.market.models import Pool

SpanForm: type[forms.Form] = type(
    # `from` is no name that a class statement could give.
    "SpanForm",
    (forms.Form,),
    {
        "from": Day(help_text="the first day; UTC"),
        "to": Day(help_text="the last day; UTC"),
    },
)


class DayPage(PageForm):
    cursor = Cursor(pattern=DAY)


class PoolDays(Struct):
    """A pool's days of which there is a snapshot, the oldest first; `next` leads to the page behind this one."""

    pool: UUID
    days: list[PoolDay]
    next: str | None


class ProtocolDays(Struct):
    """A protocol's days of which there is a snapshot, the oldest first; `next` leads to the page behind this one."""

    protocol: str
    days: list[ProtocolDay]
    next: str | None


class PoolSnapshots(RestView):
    @documented(
        "listPoolSnapshots",
        "List a pool's days",
        tag="Market",
        answer=PoolDays,
        example=examples.POOL_DAYS,
        sheet=examples.POOL_DAY_SHEET,
        path=["pool"],
        parameters=[SpanForm, DayPage, SheetForm],
    )
    def get(self, request: Request, pool: str) -> HttpResponseBase:
        """What a pool paid and held, a row for each day of which there is a snapshot. Days without one are left out."""
        asked = read_parameters(request.GET, SpanForm, DayPage, SheetForm)
        wanted = read_uuid(pool)
        if not Pool.objects.filter(pk=wanted).exists():
            raise no_pool(wanted)
        found = answer_days(
            request, asked, PoolDay, lambda span, limit: pool_days(wanted, span, limit), f"pool-{wanted}"
        )
        return answer_page(PoolDays(wanted, *found)) if isinstance(found, tuple) else found


class ProtocolSnapshots(RestView):
    @documented(
        "listProtocolSnapshots",
        "List a protocol's days",
        tag="Market",
        answer=ProtocolDays,
        example=examples.PROTOCOL_DAYS,
        sheet=examples.PROTOCOL_DAY_SHEET,
        path=["protocol"],
        parameters=[SpanForm, DayPage, SheetForm],
    )
    def get(self, request: Request, protocol: str) -> HttpResponseBase:
        """What a protocol and its pools were worth, a row for each day of which there is a snapshot."""
        asked = read_parameters(request.GET, SpanForm, DayPage, SheetForm)
        wanted = known_protocol(protocol)
        found = answer_days(
            request, asked, ProtocolDay, lambda span, limit: protocol_days(wanted, span, limit), "protocol"
        )
        return answer_page(ProtocolDays(wanted, *found)) if isinstance(found, tuple) else found


def answer_days(
    request: Request,
    asked: dict[str, Any],
    kind: type[Struct],
    read: Callable[[Span, int], Sequence[Any]],
    name: str,
) -> tuple[list[Any], str | None] | HttpResponseBase:
    """A page of days with the link to the next one, or the sheet of all of them."""
    span = read_span(asked)

    def page(after: date | None, limit: int) -> tuple[list[Any], date | None]:
        begin = span.first if after is None else max(span.first, after + timedelta(days=1))
        days = list(read(Span(begin, span.last), limit + 1))
        return days[:limit], days[limit - 1].day if len(days) > limit else None

    if wants_sheet(request, asked["format"]):
        return answer_sheet(kind, page, name)
    days, last = page(read_day(asked["cursor"]), asked["limit"])
    return days, None if last is None else next_page(request.path, request.GET, last.isoformat())


def read_span(asked: dict[str, Any]) -> Span:
    """Raises Problem for one that ends before it begins."""
    span = Span(asked["from"] or date.min, asked["to"] or date.max)
    if span.last < span.first:
        raise wrong_parameter("to", f"to={span.last} is before from={span.first}: exchange them.")
    return span


def read_day(text: str | None) -> date | None:
    """Where a page begins. Raises Problem where it is no day, or the last that there is."""
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.max
    if found == date.max:
        raise wrong_parameter("cursor", "cursor: It is none: take it from `next` of the page before.")
    return found
