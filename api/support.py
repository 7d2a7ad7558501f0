"""GET /support: what is watched, in the shape that clients of the model system know."""

from django import forms
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi import documented
from api.parameters import Flag, read_parameters
from api.rest import RestView
from indexer.positions.support import Supported, list_support


class SupportForm(forms.Form):
    includeProtocolTokens = Flag(help_text="true: with the contracts of each entry")  # noqa: N815  # the clients' word


class Support(RestView):
    @documented(
        "listSupport",
        "List what is watched",
        tag="Compatibility",
        answer=dict[str, list[Supported]],
        parameters=[SupportForm],
    )
    def get(self, request: Request) -> Response:
        """By protocol, one entry for each product, event and chain. What a watch list does not say is null."""
        contracts = bool(read_parameters(request.GET, SupportForm)["includeProtocolTokens"])
        return Response(self.chains.ask(lambda known: list_support(known, contracts=contracts)))
