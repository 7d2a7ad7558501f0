"""Every route of the API as the resolver has it: one that is added is tested by what is tested of all."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import URLPattern, get_resolver

from tests.api.changes import FAILED_RUN, SCHEDULE
from tests.market.listed import PROPOSAL, pool_id
from tests.positions.lookup_rows import USER_EIP55, contract

METHODS = ("get", "post", "put", "patch", "delete")


NEEDED = {"api/v1/addresses/<str:address>/proof": {"chain": "hilltop", "contract": "0x" + contract(1).hex()}}
"""Parameters without which a route is a 400."""


class Route(NamedTuple):
    pattern: str
    view: Any

    @property
    def methods(self) -> list[str]:
        return [method for method in METHODS if hasattr(self.view, method)]

    def path(self, *, job: int = 1, run: int = FAILED_RUN, more: str = "", **parameters: str) -> str:
        """Where the route leads with values that are there; `more` is written behind the path."""
        values = {"address": USER_EIP55, "chain": "hilltop", "contract": "0x" + contract(1).hex(), "job": str(job)}
        values |= {"task": "plough-fields", "run": str(run), "schedule": str(SCHEDULE)}
        values |= {"pool": str(pool_id(1)), "protocol": "vaults", "proposal": str(PROPOSAL)}
        path = "/" + re.sub(r"<\w+:(\w+)>", lambda found: values[found[1]], self.pattern) + more
        query = urlencode(NEEDED.get(self.pattern, {}) | parameters)
        return f"{path}?{query}" if query else path


def find_routes() -> Iterator[Route]:
    for found in get_resolver("api.urls").url_patterns:
        assert isinstance(found, URLPattern), found
        yield Route(str(found.pattern), found.callback.view_class)  # type: ignore[attr-defined]  # as_view() sets it


ROUTES = {route.pattern: route for route in find_routes()}
