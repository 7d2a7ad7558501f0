"""While maintenance is on, nothing is changed over REST; whatever only reads goes on."""

from http import HTTPStatus

from api.problems import Problem
from indexer.workers.live import MAINTENANCE
from indexer.workers.live_values import web_values

RETRY_AFTER = 60
"""Seconds after which a change may be tried again; nobody knows when maintenance ends."""


def refuse_in_maintenance() -> None:
    """Raises the Problem that a change is answered with meanwhile, a 503."""
    if web_values().switch(MAINTENANCE):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Maintenance is on, so nothing was changed; lookups go on. Try again when it is over.",
            retry_after=RETRY_AFTER,
        )
