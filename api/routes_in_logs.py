"""An address that was looked up stands in no log: its route stands there instead. Imported by the settings."""

import logging
import re

from django.http import HttpRequest

# Whose address a path holds that leads nowhere, nobody can say; whatever looks like one is left out.
HEX = re.compile(r"[0-9a-fA-F]{8,}")


def route_of(request: HttpRequest) -> str:
    """What a log may say of a request: its route where that holds an address, else its path without long hex."""
    match = request.resolver_match
    if match and "address" in match.kwargs:
        return f"/{match.route}"
    return HEX.sub("…", request.path)


class RouteInsteadOfPath(logging.Filter):
    """Django logs the path of every answer from 400 on; this writes its route."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            # Django writes what cannot be printed as escapes.
            path = (request.path, request.path.encode("unicode_escape").decode("ascii"))
            record.args = tuple(route_of(request) if arg in path else arg for arg in record.args)
        return True
