"""GET /api/v1/market/rejected: rows of the sources' answers that were not taken, and why."""

from django import forms
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.market import examples
from api.market.asking import ROW_CURSOR, following, read_after
from api.openapi import documented
from api.parameters import Choice, Cursor, PageForm, Text, read_parameters
from api.rest import RestView
from indexer.market.answers.rejected import Rejected, list_rejected
from indexer.market.models import REASONS


class RejectedForm(forms.Form):
    task = Text(help_text="rows that this task has not taken")
    reason = Choice(choices=REASONS, help_text="why they were not taken")


class RejectedPage(PageForm):
    cursor = Cursor(pattern=ROW_CURSOR)


class RejectedList(Struct):
    """Rejected rows, the newest first; `next` leads to the page behind this one, null on the last."""

    rejected: list[Rejected]
    next: str | None


class RejectedRows(RestView):
    @documented(
        "listRejectedRows",
        "List rows that were not taken",
        tag="Market",
        answer=RejectedList,
        example=examples.REJECTED,
        parameters=[RejectedForm, RejectedPage],
    )
    def get(self, request: Request) -> Response:
        """Rows that do not have the expected shape, are beyond all bounds, come twice, or whose numbers jump: one bad
        row takes no other with it. The newest first.
        """
        asked = read_parameters(request.GET, RejectedForm, RejectedPage)
        page = list_rejected(asked["task"], asked["reason"], read_after(asked["cursor"]), asked["limit"])
        return Response(RejectedList(page.rows, following(request.path, request.GET, page.last)))
