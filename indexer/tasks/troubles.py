"""What is kept of an exception: without secrets, and as PostgreSQL can store it."""

import traceback

from django.conf import settings

from indexer.chains.storable import storable
from indexer.tasks.claims import Trouble

LONGEST = 2_000
"""Characters of an error's words."""
LONGEST_TRACEBACK = 20_000
"""Characters; what is nearest to the error is kept."""


def say(error: BaseException) -> str:
    """Its words alone."""
    return shorten(clean(str(error)))


def describe(error: BaseException) -> str:
    """Its type and its words."""
    return shorten(clean(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__))


def shorten(text: str) -> str:
    """An error may quote a whole answer, and would be in every list of runs."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def keep_trouble(error: BaseException) -> Trouble:
    return Trouble(describe(error), clean("".join(traceback.format_exception(error))[-LONGEST_TRACEBACK:]))


def clean(text: str) -> str:
    return storable(settings.MASK(text))
