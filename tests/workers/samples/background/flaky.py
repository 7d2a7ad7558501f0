"""Fails in a share of its runs."""

import random

from indexer.workers.background import Work, worker
from indexer.workers.live import LiveSetting, declare

SHARE = declare(LiveSetting("flaky.share", 0.0, "part of the runs that fails", "", 0, 1))


@worker(every=0.2)
def flaky(work: Work) -> int:
    if random.random() < work.live.number(SHARE):
        raise ValueError("the source answered with nonsense")
    return 1
