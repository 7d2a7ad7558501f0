"""Follows something in a loop of its own, and is behind by as much as it is told."""

from indexer.workers.background import BackgroundWorker, Work
from indexer.workers.live import LiveSetting, declare

BEHIND = declare(LiveSetting("lagging.behind", 0.0, "seconds that it is behind", "s", 0))


class Lagging(BackgroundWorker):
    def run(self, work: Work) -> None:
        while True:
            work.note_lag(work.live.number(BEHIND))
            work.beat(1)
            work.pause(0.2)
