"""Takes more and more memory, and gives it back when told to."""

from indexer.workers.background import Work, worker
from indexer.workers.live import LiveSetting, declare

GROWTH = declare(LiveSetting("leaky.growth", 0, "megabytes that each run keeps; 0: all are given back", "MB", 0, 100))
MEGABYTE = 1_000_000

kept: list[bytes] = []


@worker(every=0.2)
def leaky(work: Work) -> int:
    growth = int(work.live.number(GROWTH))
    if growth:
        # Not zeros, of which the kernel would keep but one page.
        kept.append(b"\x2a" * (growth * MEGABYTE))
    else:
        kept.clear()
    return 1
