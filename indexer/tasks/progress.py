"""How fast something gets on and when it will be done, from what has been done so far. Pure."""

import msgspec

from indexer.chains.durations import show_brief

BAR = 20
"""Characters of a bar at a terminal."""


class Progress(msgspec.Struct, frozen=True):
    """`total`: None where nobody knows it; `per_second` and `seconds_left`: None before anything can be told."""

    done: int
    total: int | None
    per_second: float | None
    seconds_left: float | None

    @property
    def share(self) -> float | None:
        """From 0 to 1; what turns out to be more than was expected is 1."""
        return min(self.done / self.total, 1.0) if self.total else None


def measure(done: int, total: int | None, seconds: float, before: int = 0) -> Progress:
    """`seconds`: how long it has been at it; `before`: how much of what is done had been done earlier."""
    rate = (done - before) / seconds if seconds > 0 and done > before else None
    left = max(total - done, 0) / rate if rate and total is not None else None
    return Progress(done, total, rate, left)


def draw_bar(progress: Progress, width: int = BAR) -> str:
    """How much of it is done, as "[#####-----]"; empty where nobody knows how much there is."""
    if progress.share is None:
        return ""
    full = int(width * max(progress.share, 0.0))
    return f"[{'#' * full}{'-' * (width - full)}]"


def show_progress(progress: Progress) -> str:
    """In words: "1,200 of 8,248 (15%), 300/s, 24 s left"; empty where nothing is known."""
    if not progress.done and progress.total is None:
        return ""
    parts = [f"{progress.done:,}" if progress.total is None else f"{progress.done:,} of {progress.total:,}"]
    if progress.share is not None:
        parts[0] += f" ({progress.share:.0%})"
    if progress.per_second is not None:
        parts.append(f"{progress.per_second:,.1f}/s" if progress.per_second < 10 else f"{progress.per_second:,.0f}/s")
    if progress.seconds_left:
        parts.append(f"{show_brief(progress.seconds_left)} left")
    return ", ".join(parts)
