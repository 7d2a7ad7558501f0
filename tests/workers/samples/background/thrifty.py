"""Has spent its budget when told so."""

from indexer.workers.background import OutOfBudget, Work, worker
from indexer.workers.live import LiveSetting, declare

SPENT = declare(LiveSetting("thrifty.spent", False, "whether the day's requests are used up"))


@worker(every=0.2)
def thrifty(work: Work) -> int:
    if work.live.switch(SPENT):
        raise OutOfBudget("100 of 100 requests of this day are used up")
    return 1
