"""What the answer of an API says of its limits: how long to leave it alone, and why. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

TOO_MANY = 429
PAY = 402
UNAVAILABLE = 503
PAUSES = {TOO_MANY: 60.0, PAY: 3600.0}
"""Seconds, where the server says none itself."""
WORDS = {
    TOO_MANY: "it was asked too often (429)",
    PAY: "its plan is spent, or it has none (402): look at its key",
    UNAVAILABLE: "it is not available (503)",
}
LONGEST = 7 * 24 * 3600.0
"""Seconds: nobody is left alone for longer, whatever is said."""
FIRST_MOMENT = 1_000_000_000
"""Greater numbers are moments (seconds since 1970), smaller ones are seconds from now."""
RESETS = ("x-ratelimit-reset", "ratelimit-reset")
REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")


class Hold(NamedTuple):
    seconds: float
    words: str


def read_hold(status: int, headers: Mapping[str, str], now: datetime) -> Hold | None:
    """None: it may be asked on."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    asked = read_retry_after(lower.get("retry-after", ""), now)
    reset = next((read_reset(lower[name], now) for name in RESETS if name in lower), None)
    is_spent = any(lower.get(name) == "0" for name in REMAINING)
    if status in PAUSES:
        seconds = next((each for each in (asked, reset) if each is not None), PAUSES[status])
        return Hold(seconds, WORDS[status])
    if status == UNAVAILABLE and asked is not None:
        return Hold(asked, WORDS[status])
    if is_spent and reset is not None:
        return Hold(reset, "it says that no more requests are left for now")
    return None


def read_retry_after(text: str, now: datetime) -> float | None:
    """Seconds, of either form of RFC 9110 (10.2.3); None for neither."""
    try:
        return bound(float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return bound((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def read_reset(text: str, now: datetime) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not 0 <= number < 1e11:  # neither is NaN; milliseconds are no form of it that anybody documents
        return None
    return bound(number - now.timestamp() if number > FIRST_MOMENT else number)


def sent_at(headers: Mapping[str, str], otherwise: datetime) -> datetime:
    """When the answer was sent, by the clock of whoever did: what it says of moments is to be read by that one.

    `otherwise`: where it does not say (RFC 9110, 6.6.1).
    """
    text = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return otherwise
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def bound(seconds: float) -> float | None:
    """What is asked for, as far as anybody heeds it; None for what is no number."""
    return min(max(0.0, seconds), LONGEST) if math.isfinite(seconds) else None
