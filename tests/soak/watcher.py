"""What the API says of every worker, asked twice a second as a dashboard would, and kept from the beginning on."""

import json
import time
from collections import defaultdict
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

import urllib3
from django.utils import timezone

from indexer.workers.models import WorkerEvent
from indexer.workers.states import State

EVERY = 0.5


class Sighting(NamedTuple):
    """From `at` (seconds since the watcher began) on, a worker was in this state."""

    at: float
    state: str
    why: str
    restarts: int


class Watcher:
    """Asks until closed; an API that does not answer is counted and asked again."""

    def __init__(self, base_url: str) -> None:
        self.url = f"{base_url}/api/v1/workers/status"
        self.began = time.monotonic()
        self.seen: defaultdict[str, list[Sighting]] = defaultdict(list)
        self.newest: dict[str, dict[str, Any]] = {}
        self.outages = 0
        self.lock = Lock()
        self.ended = Event()
        self.thread = Thread(target=self.run, daemon=True)
        self.pool = urllib3.PoolManager(retries=False, timeout=15)

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        self.ended.set()
        self.thread.join()

    def now(self) -> float:
        return time.monotonic() - self.began

    def run(self) -> None:
        while not self.ended.wait(EVERY):
            try:
                answer = self.pool.request("GET", self.url)
            except urllib3.exceptions.HTTPError:
                self.outages += 1
                continue
            if answer.status == 200:
                self.note(json.loads(answer.data)["workers"])
            else:
                self.outages += 1

    def note(self, workers: list[dict[str, Any]]) -> None:
        with self.lock:
            for worker in workers:
                name = worker["name"]
                found = Sighting(self.now(), worker["state"], worker["why"] or "", worker["restartCount"])
                self.newest[name] = worker
                if not self.seen[name] or self.seen[name][-1][1:] != found[1:]:
                    self.seen[name].append(found)

    def state(self, name: str) -> str:
        with self.lock:
            return str(self.newest[name]["state"]) if name in self.newest else "unknown"

    def since(self, name: str, at: float) -> list[Sighting]:
        """What was seen of a worker from a moment on, and what it was in then."""
        with self.lock:
            before = [each for each in self.seen[name] if each.at <= at][-1:]
            return before + [each for each in self.seen[name] if each.at > at]

    def wait_for(self, name: str, state: str, within: float, since: float) -> Sighting | None:
        """The first sighting of a worker in a state after a moment; None where it does not come in time.

        A crash may be over before anybody asks: then its history tells of it.
        """
        asked = timezone.now() - timedelta(seconds=self.now() - since)
        noted = WorkerEvent.objects.filter(worker=name, what="state", state=state, at__gte=asked)
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for sighting in self.since(name, since):
                if sighting.state == state and (sighting.at > since or self.state(name) == state):
                    return sighting
            if state == State.CRASHED and (event := noted.first()) is not None:
                return Sighting(self.now(), state, event.words, 0)
            time.sleep(0.1)
        return None
