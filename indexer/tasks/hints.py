"""What the answer of an API says of its limits: how long to leave it alone and why, or how slowly to go on. Pure."""

import math
import re
from collections.abc import Iterable, Mapping
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
STARTS = ("x-ratelimit", "ratelimit")
REQUESTS, TOKENS = ("", "-requests"), ("-tokens",)
"""Ends of headers, by what they count; OpenAI and those like it count both, each for itself."""
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhd])")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Hold(NamedTuple):
    seconds: float
    words: str


class Window(NamedTuple):
    """So much is left, if it is said, for so many seconds."""

    left: float | None
    seconds: float


def read_hold(status: int, headers: Mapping[str, str], now: datetime) -> Hold | None:
    """None: it may be asked on."""
    lower = lower_names(headers)
    asked = read_retry_after(lower.get("retry-after", ""), now)
    windows = read_windows(lower, REQUESTS + TOKENS, now)
    spent = [window.seconds for window in windows if window.left is not None and window.left < 1]
    if status in PAUSES:
        reset = max(spent or [window.seconds for window in windows], default=None)
        seconds = next((each for each in (asked, reset) if each is not None), PAUSES[status])
        return Hold(seconds, WORDS[status])
    if status == UNAVAILABLE and asked is not None:
        return Hold(asked, WORDS[status])
    if spent:
        return Hold(max(spent), "it says that no more requests are left for now")
    return None


def read_pace(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from one request to the next with which those that are left last until there are more; None: unsaid."""
    windows = read_windows(lower_names(headers), REQUESTS, now)
    return max((each.seconds / (each.left + 1) for each in windows if each.left is not None), default=None)


def lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in headers.items()}


def read_windows(lower: Mapping[str, str], ends: Iterable[str], now: datetime) -> list[Window]:
    """Those that have an end which is still to come."""
    names = [(f"{start}-remaining{end}", f"{start}-reset{end}") for start in STARTS for end in ends]
    found = [(read_left(lower.get(left, "")), read_reset(lower.get(reset, ""), now)) for left, reset in names]
    return [Window(left, seconds) for left, seconds in found if seconds is not None]


def read_left(text: str) -> float | None:
    """Reddit writes 0.0; what is owed is nothing left."""
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def read_retry_after(text: str, now: datetime) -> float | None:
    """Seconds, of either form of RFC 9110 (10.2.3); None for neither, and for a time gone by."""
    try:
        return bound(float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return bound((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def read_reset(text: str, now: datetime) -> float | None:
    """Seconds, of a number of them, a moment, or a duration such as 1m0s; None for none of these."""
    if parts := PART.findall(text):
        is_whole = "".join(map("".join, parts)) == text
        return bound(sum(float(number) * UNITS[unit] for number, unit in parts)) if is_whole else None
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
    """What is asked for, as far as anybody heeds it; None for what is no number, or no time to wait."""
    return min(seconds, LONGEST) if math.isfinite(seconds) and seconds > 0 else None
