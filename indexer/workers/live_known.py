"""All live settings, those that the files of background workers declare among them: they are imported for that.

A worker knows its own settings; whoever lists or changes settings asks here.
"""

from functools import cache

from indexer.workers.live import LiveError, LiveSetting, declared, find
from indexer.workers.registry import load_all


def known_settings() -> list[LiveSetting]:
    """By name. Those of a worker whose file is broken are missing; `manage.py check` names it."""
    load_once()
    return declared()


def known_setting(name: str) -> LiveSetting:
    """As `indexer.workers.live.find`. Raises LiveError."""
    load_once()
    return find(name)


def known_or_none(name: str) -> LiveSetting | None:
    try:
        return known_setting(name)
    except LiveError:
        return None


@cache
def load_once() -> None:
    load_all()
