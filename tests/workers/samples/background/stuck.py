"""Stands still for ever once it is told to."""

from threading import Event

from indexer.workers.background import Work, worker
from indexer.workers.live import LiveSetting, declare

STANDS_STILL = declare(LiveSetting("stuck.stands_still", False, "whether its next run never ends"))


@worker(every=0.2, hung_after=5)
def stuck(work: Work) -> int:
    if work.live.switch(STANDS_STILL):
        wait_for_ever()
    return 1


def wait_for_ever() -> None:
    """Named, so that a stack dump can be told by it."""
    Event().wait()
