"""Words that pages show in a colour, each with its meaning."""

from typing import NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString


class Shown(NamedTuple):
    """`colour` is one of good, info, warn, bad, odd and plain, which admin.css has in a light and a dark tone."""

    value: str
    label: str
    colour: str
    meaning: str


def show(state: str, table: tuple[Shown, ...]) -> SafeString:
    """The state's label in its colour."""
    shown = next((known for known in table if known.value == state), Shown(state, state, "plain", ""))
    return format_html('<span class="fp-label fp-{}" title="{}">{}</span>', shown.colour, shown.meaning, shown.label)
