"""Whether a worker is to work: its flag and maintenance, with who decided that, when and why."""

from indexer.workers.live import MAINTENANCE, LiveSetting, flag_of
from indexer.workers.live_values import LiveValues


def find_reason_to_rest(live: LiveValues, worker: str) -> str:
    """Why the worker is to take no work, in words; empty where it is to work."""
    if not live.flag(worker):
        return describe_change(live, flag_of(worker), "its flag was switched off")
    if live.switch(MAINTENANCE):
        return describe_change(live, MAINTENANCE, "maintenance was switched on")
    return ""


def describe_change(live: LiveValues, setting: LiveSetting, what: str) -> str:
    """Such as: its flag was switched off by anna at 2026-11-27 08:00:00 UTC: the source is being moved."""
    stored = live.stored(setting)
    if stored is None or not stored.moment:
        return what
    return f"{what} by {stored.actor} at {stored.moment}{f': {stored.why}' if stored.why else ''}"
