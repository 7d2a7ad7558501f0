"""The live settings of chains' workers: what can be changed while they run. No NumPy, nothing of the loops."""

from typing import NamedTuple

from django.conf import settings

from indexer.workers.live import LiveSetting, declare
from indexer.workers.live_values import LiveValues

RANGES_AT_ONCE = 4
HOLD_SECONDS = 2.0
LONGEST_PAUSE = 2.0

IN_FLIGHT = declare(
    LiveSetting("chain.in_flight", RANGES_AT_ONCE, "ranges of the past that one worker reads at once", "", 1, 32)
)
HOLD = declare(
    LiveSetting(
        "chain.hold", HOLD_SECONDS, "how long what was read of the past waits to be stored with more", "s", 0.1, 60
    )
)
PAUSE = declare(
    LiveSetting("chain.pause", LONGEST_PAUSE, "longest pause between two looks for a new block", "s", 0.05, 60)
)
AUDIT_PERCENT = declare(
    LiveSetting(
        "chain.audit_percent",
        settings.AUDIT_SHARE * 100,
        "share of what was read that is read again from a second endpoint",
        "%",
        0,
        100,
    )
)


class Tuning(NamedTuple):
    """How the past is read: ranges at once, seconds that what was read is held, and the share that is read again."""

    in_flight: int
    hold: float
    audit: float

    @classmethod
    def read(cls, live: LiveValues) -> "Tuning":
        """As the live settings say it now."""
        return cls(int(live.number(IN_FLIGHT)), live.number(HOLD), live.number(AUDIT_PERCENT) / 100)
