"""What somebody may have meant by a name that is not there. Pure."""

from collections.abc import Collection
from difflib import get_close_matches


def hint_at(wanted: str, known: Collection[str], otherwise: str = "") -> str:
    """The known names that are near, or else all of them, or what is to be said instead; without a full stop."""
    if near := get_close_matches(wanted, known):
        return f"did you mean {' or '.join(near)}?"
    return otherwise or f"there are {', '.join(known) or 'none'}"
