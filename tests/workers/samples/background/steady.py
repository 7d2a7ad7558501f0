"""Works."""

from time import sleep

from indexer.workers.background import Work, worker
from indexer.workers.live import LiveSetting, declare

EVERY = LiveSetting("steady.every", 0.2, "seconds from one run to the next", "s", 0.01, 3600)
TAKES = declare(LiveSetting("steady.takes", 0.0, "seconds of a run", "s", 0, 60))


@worker(every=EVERY)
def steady(work: Work) -> int:
    takes = work.live.number(TAKES)
    work.log.info("a run of %g s begins", takes)
    # Work in one piece: nothing that it could be called away from.
    if takes:
        sleep(takes)
        work.log.info("a run of %g s is done", takes)
    return 3
