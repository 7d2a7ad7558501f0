"""What is kept of an exception: without secrets, and as PostgreSQL can store it."""

import traceback

from django.conf import settings

from indexer.chains.storable import storable
from indexer.tasks.claims import Trouble

LONGEST_TRACEBACK = 20_000
"""Characters; what is nearest to the error is kept."""


def say(error: BaseException) -> str:
    """Its words alone."""
    return clean(str(error))


def describe(error: BaseException) -> str:
    """Its type and its words."""
    return clean(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def keep_trouble(error: BaseException) -> Trouble:
    return Trouble(describe(error), clean("".join(traceback.format_exception(error))[-LONGEST_TRACEBACK:]))


def clean(text: str) -> str:
    return storable(settings.MASK(text))
