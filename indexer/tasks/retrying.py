"""How long a run waits after a failure. Pure."""

from indexer.tasks.declaring import Retry
from indexer.tasks.hints import bound


def pause_after(retry: Retry, attempt: int, chance: float, asked: float | None = None) -> float | None:
    """Seconds from the failure of this attempt (from 1 on) to the next one; None: there is none.

    `chance`, from 0 to 1, spreads those that failed together; `asked`: what the server itself said, before which none
    comes. One that says a moment would have used up all attempts in it.
    """
    if attempt >= retry.attempts:
        return None
    grown = retry.first * retry.factor ** (attempt - 1)
    return max(asked or 0.0, min(retry.longest, grown * (1 + retry.jitter * chance)))


def asked_pause(error: BaseException) -> float | None:
    """What the server said, which an exception carries as `retry_after` (seconds); None: nothing of any use."""
    asked = getattr(error, "retry_after", None)
    try:
        return bound(float(asked)) if isinstance(asked, int | float) else None
    except OverflowError:
        return None
