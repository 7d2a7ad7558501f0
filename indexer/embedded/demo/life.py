"""The traffic of the local chains, each in a thread of its own."""

import time
from collections.abc import Mapping
from threading import Event, Thread

from indexer.embedded.chain.node import NodeError
from indexer.embedded.chain.traffic import Traffic


class Life:
    """Lets every chain step once in `pause` seconds until stopped. After a failure `failure` says what happened."""

    def __init__(self, traffic: Mapping[str, Traffic], pause: float) -> None:
        self.failure: str | None = None
        self._pause = pause
        self._stop = Event()
        self._threads = [
            Thread(target=self._live, args=(slug, steps), name=f"traffic of {slug}", daemon=True)
            for slug, steps in traffic.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when the last step is done."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _live(self, slug: str, traffic: Traffic) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._pause, time.monotonic())
            try:
                traffic.step()
            except NodeError as error:
                self.failure = f"the traffic of {slug} has stopped: {error}"
                return
