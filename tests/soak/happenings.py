"""What the soak does to the workers, and what must come of each: a state in time, and all well again by itself."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from indexer.embedded.postgres import EmbeddedPostgres
from indexer.workers.live import RESTARTS
from indexer.workers.models import WorkerOrder
from indexer.workers.patience import pause_before_restart
from tests.soak.stage import SupervisedStage
from tests.soak.watcher import Watcher

CHAINS = ("worker-hilltop", "worker-seaside")
SAMPLES = ("steady", "flaky", "leaky", "lagging", "stuck", "thrifty")
EVERYBODY = (*CHAINS, *SAMPLES)
SOON, LATER, LATE = 8.0, 60.0, 120.0
"""Seconds: until a live change is obeyed and seen; until a hung process is found; until a worker is well again."""

STAYS_WELL = 3.0
"""What has just befallen a worker may not have been seen yet."""


class Result(NamedTuple):
    """What came of one happening: `state` of `worker` was to be seen `within` seconds, and was after `took`."""

    happening: str
    worker: str
    state: str
    within: float
    took: float | None
    well_after: float | None
    why: str
    others: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        return self.took is not None and self.well_after is not None and not self.others


class Happenings:
    """`random` chooses who; every happening waits until all is well again."""

    def __init__(self, stage: SupervisedStage, watcher: Watcher, server: EmbeddedPostgres, seed: int) -> None:
        self.stage = stage
        self.watcher = watcher
        self.server = server
        self.random = random.Random(seed)
        self.results: list[Result] = []
        self.take_back: Callable[[], object] | None = None
        """What ends a happening once its state was seen."""

    def all(self) -> list[Callable[[], None]]:
        return [
            self.kill,
            self.stand_still,
            self.flag_off,
            self.maintenance,
            self.fail,
            self.leak,
            self.lag,
            self.hang,
            self.spend,
            self.stop_by_order,
            self.restart_database,
        ]

    def kill(self) -> None:
        name = self.random.choice(EVERYBODY)
        with self.expecting("kill -9", name, "crashed", LATER):
            self.stage.signal(name, signal.SIGKILL)

    def stand_still(self) -> None:
        name = self.random.choice(EVERYBODY)
        with self.expecting("SIGSTOP", name, "hung", LATER):
            self.stage.signal(name, signal.SIGSTOP)

    def flag_off(self) -> None:
        name = self.random.choice(EVERYBODY)
        with self.expecting("its flag is switched off", name, "stopped by flag", SOON):
            self.live(f"worker.{name}", "off", "on")

    def maintenance(self) -> None:
        name = self.random.choice(EVERYBODY)
        with self.expecting("maintenance", name, "stopped by flag", SOON, alone=False):
            self.live("maintenance", "on", "off")

    def fail(self) -> None:
        with self.expecting("nine of ten runs fail", "flaky", "degraded", LATER):
            self.live("flaky.share", "0.9", "0")

    def leak(self) -> None:
        with self.expecting("its memory grows", "leaky", "degraded", LATER):
            self.live("leaky.growth", "50", "0")

    def lag(self) -> None:
        with self.expecting("it lags", "lagging", "degraded", SOON):
            self.live("lagging.behind", "5000", "0")

    def hang(self) -> None:
        with self.expecting("its run never ends", "stuck", "hung", LATER):
            self.live("stuck.stands_still", "on", "off")

    def spend(self) -> None:
        with self.expecting("its budget is spent", "thrifty", "out of budget", SOON):
            self.live("thrifty.spent", "on", "off")

    def stop_by_order(self) -> None:
        name = self.random.choice(SAMPLES)
        with self.expecting("an order to stop", name, "stopped", LATER):
            order(name, "stop")
            self.take_back = lambda: order(name, "start")

    def restart_database(self) -> None:
        """Nobody may be restarted for it, or be called hung or crashed."""
        began = self.watcher.now()
        before = {name: self.watcher.newest[name]["restartCount"] for name in EVERYBODY}
        self.server.stop()
        time.sleep(self.random.uniform(2, 25))
        self.server.start()
        well = self.wait_until_well(LATE)
        bad = [
            f"{name} {sighting.state}"
            for name in EVERYBODY
            for sighting in self.watcher.since(name, began)[1:]
            if sighting.state in ("hung", "crashed", "misconfigured") or sighting.restarts > before[name]
        ]
        took = well - began if well is not None else None
        self.results.append(
            Result("PostgreSQL is restarted", "all", "healthy", LATE, took, took, "", tuple(dict.fromkeys(bad)))
        )

    def live(self, name: str, value: str, back: str) -> None:
        """Change a live setting; it is given its old value back once the state was seen."""
        self.set_live(name, value)
        self.take_back = lambda: self.set_live(name, back)

    def set_live(self, name: str, value: str) -> None:
        said = self.stage.manage("live", "set", name, value, "--why", "the soak")
        if "->" not in said and value not in said:
            raise RuntimeError(f"live set {name} {value}: {said}")

    @contextmanager
    def expecting(self, what: str, worker: str, state: str, within: float, *, alone: bool = True) -> Iterator[None]:
        """Watch a worker come to a state for what is done inside, no other one with it, and all be well again."""
        self.take_back = None
        began = self.watcher.now()
        yield
        changed = self.watcher.now()
        sighting = self.watcher.wait_for(worker, state, within, began)
        if self.take_back:
            self.take_back()
        # One that hangs again and again is left as it is for longer and longer, once a person was asked.
        restarts = self.watcher.newest[worker]["restartCount"]
        well = self.wait_until_well(LATE + pause_before_restart(restarts, int(RESTARTS.default)))
        others = [
            f"{name} {each.state}"
            for name in EVERYBODY
            for each in self.watcher.since(name, began)[1:]
            if each.state not in self.allowed(name == worker, state, alone)
        ]
        self.results.append(
            Result(
                what,
                worker,
                state,
                within,
                sighting.at - changed if sighting else None,
                well - changed if well is not None else None,
                sighting.why if sighting else self.watcher.state(worker),
                tuple(dict.fromkeys(others)),
            )
        )

    @staticmethod
    def allowed(is_it: bool, state: str, alone: bool) -> set[str]:
        """States that a worker may be seen in meanwhile: one that is ended for hanging has crashed on its way back."""
        if not is_it:
            return {"healthy", "starting"} | (set() if alone else {state})
        after = {"hung": {"crashed"}, "stopped": {"stopped by flag"}}.get(state, set())
        return {"healthy", "starting", state} | after

    def wait_until_well(self, within: float) -> float | None:
        """When all workers were healthy at the same time, and stayed so; None where that does not come."""
        deadline = time.monotonic() + within
        well: float | None = None
        while time.monotonic() < deadline:
            if not all(self.watcher.state(name) == "healthy" for name in EVERYBODY):
                well = None
            elif well is None:
                well = self.watcher.now()
            elif self.watcher.now() - well > STAYS_WELL:
                return well
            time.sleep(0.2)
        return None


def order(name: str, action: str) -> None:
    """As a button of the page Workers does."""
    WorkerOrder.objects.create(worker=name, action=action, actor="soak", why="the soak")
