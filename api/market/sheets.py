"""The same lists as CSV: all rows that are asked for, streamed, so that none is too long."""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from io import StringIO
from itertools import chain
from typing import Any

import msgspec
from django import forms
from django.http import StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.parameters import LONGEST_PAGE, Choice
from api.questions import wrong_parameter

JSON, CSV = "json", "csv"
TYPES = {"application/json": JSON, "text/csv": CSV}
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings by which a spreadsheet takes a text for a formula, the last four as wide as an ideograph: texts of the
market are other people's. Source: OWASP, CSV Injection."""

Read = Callable[[Any, int], tuple[Sequence[Struct], Any]]
"""The rows behind a key, that many at most, and the key of the next ones; None when these were the last."""


def fixed(ids: Sequence[Any], read: Callable[[Sequence[Any]], Sequence[Struct]]) -> Read:
    """Of rows that are read by their ids: one whose place changes while the sheet is written, is in it once."""

    def page(begin: int | None, limit: int) -> tuple[Sequence[Struct], int | None]:
        end = (begin or 0) + limit
        return read(ids[begin or 0 : end]), end if end < len(ids) else None

    return page


class SheetForm(forms.Form):
    format = Choice(
        choices=(JSON, CSV), help_text="csv, for all rows in one sheet, without limit and cursor; or Accept: text/csv"
    )


def wants_sheet(request: Request, asked: str | None) -> bool:
    """By the parameter `format`, else by Accept. Raises Problem where a page of a sheet is asked for."""
    found = asked or TYPES.get(request._request.get_preferred_type(list(TYPES)) or "")
    if found == CSV:
        for name in ("limit", "cursor"):
            if name in request.GET:
                raise wrong_parameter(name, f"{name} goes with JSON: a sheet has all rows. Leave it out, or CSV.")
    return found == CSV


def answer_sheet(kind: type[Struct], read: Read, name: str) -> StreamingHttpResponse:
    """A sheet with a column for each field of the struct, read by pages: no transaction stays open for a slow reader.

    The first page is read at once, so that what is wrong with the question is answered as such.
    """
    columns = kind.__struct_fields__
    first, after = read(None, LONGEST_PAGE)

    def pages() -> Iterator[Sequence[Struct]]:
        nonlocal after
        yield first
        while after is not None:
            rows, after = read(after, LONGEST_PAGE)
            yield rows

    lines = chain([write([columns])], (write(cells(row, columns) for row in rows) for rows in pages()))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    patch_vary_headers(response, ("Accept",))
    return response


def answer_page(page: Struct) -> Response:
    """The JSON of a list that could have been a sheet: a cache has to know that Accept decides."""
    return Response(page, headers={"Vary": "Accept"})


def write(rows: Any) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def cells(row: Struct, columns: Sequence[str]) -> list[object]:
    return [cell(getattr(row, column)) for column in columns]


def cell(value: Any) -> object:
    """Null is an empty cell. A text that would be a formula gets an apostrophe before it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case datetime() | date():
            return value.isoformat()
        case list():
            text = " ".join(map(str, value)) if all(isinstance(part, str) for part in value) else to_json(value)
        case dict():
            text = to_json(value)
        case _:
            text = str(value)
    return f"'{text}" if text.startswith(FORMULAS) else text


def to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
