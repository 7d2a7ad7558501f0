"""How the pages write the market: dollars, per cent, confidence. What the source does not say is a dash, never zero."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from indexer.access.labels import Shown, show

NOTHING = "–"
LONGEST_NAME = 80
REFUTED = "refuted"
CONFIDENCES = (
    Shown("1.0", "1.0 verified", "good", "the chain itself says so"),
    Shown("0.8", "0.8 several sources", "good", "several sources say so independently, or the source's own key does"),
    Shown("0.6", "0.6 one source", "info", "one reliable source says so"),
    Shown("0.4", "0.4 heuristic", "warn", "an address stood in a text of the pool"),
    Shown("0.2", "0.2 guess", "plain", "hardly more than a guess"),
    Shown(REFUTED, REFUTED, "bad", "the chain itself contradicts it"),
)
PROPOSAL_STATES = (
    Shown("proposed", "proposed", "info", "nobody has decided it yet"),
    Shown("accepted", "accepted", "good", "it is watched"),
    Shown("dismissed", "dismissed", "plain", "it is not watched, and not proposed again"),
)


def confidence_html(confidence: float | None, *, refuted: bool = False) -> SafeString:
    """How sure a contract is, in its colour; a dash for none."""
    if confidence is None:
        return format_html('<span class="fp-muted">{}</span>', "none")
    return show(REFUTED if refuted else f"{confidence:.1f}", CONFIDENCES)


def dollars(value: float | None) -> str:
    return NOTHING if value is None else f"${value:,.0f}"


def per_cent(value: float | None) -> str:
    # A space at which no line ends.
    return NOTHING if value is None else f"{value:,.2f}\u00a0%"


def figures_html(figures: Iterable[tuple[str, str]]) -> SafeString:
    """Numbers under the names that people call them by."""
    return format_html('<dl class="fp-facts">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", figures))


def contract_html(address: str | None, confidence: float | None) -> SafeString:
    """A contract below how sure it is; a word where none is known."""
    if address is None:
        return confidence_html(None)
    return format_html('{}<div class="fp-mono">{}</div>', confidence_html(confidence), address)


def named_html(name: str, of: str = "") -> SafeString:
    """What other people have named, its first 80 characters, and below it what it is of: as narrow as need be."""
    return format_html(
        '<div class="fp-name">{}</div><div class="fp-name fp-muted">{}</div>',
        name[:LONGEST_NAME],
        of[:LONGEST_NAME],
    )


def short_html(text: str | None) -> SafeString | str:
    """A text of other people's, which may be long."""
    return format_html('<div class="fp-words">{}</div>', text) if text else NOTHING
