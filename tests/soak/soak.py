"""The soak itself, once Django is there."""

import argparse
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from django.db import connections

from indexer.embedded.demo.answers import Web
from indexer.embedded.demo.check import judge, wait_for_answers
from indexer.embedded.demo.life import Life
from indexer.embedded.demo.steps import Signals
from indexer.embedded.postgres import EmbeddedPostgres
from indexer.workers.models import WorkerEvent
from tests.soak.happenings import EVERYBODY, Happenings, Result
from tests.soak.stage import SupervisedStage
from tests.soak.watcher import Watcher

BLOCK_SECONDS = 0.5
HISTORY = 200
FIRST = 120.0
"""Seconds that all may take to be well for the first time."""
TIGHTEST = 2.0
"""Seconds between two restarts of one worker."""


def soak(folder: Path, server: EmbeddedPostgres, options: argparse.Namespace, stack: ExitStack) -> int:
    signals = Signals()
    signals.handle()
    stage = SupervisedStage(folder, signals, {})
    stack.callback(stage.take_down, signals.hurry.is_set)
    stage.set_up(seed=options.seed, history=HISTORY, port=options.port, fresh=True)
    print(f"the page: {stage.base_url}/admin/workers/workerrow/", flush=True)
    life = Life({chain.slug: chain.traffic for chain in stage.chains}, BLOCK_SECONDS)
    life.start()
    stack.callback(life.stop)
    watcher = Watcher(stage.base_url)
    watcher.start()
    stack.callback(watcher.close)
    happenings = Happenings(stage, watcher, server, options.seed)
    if happenings.wait_until_well(FIRST) is None:
        print({name: watcher.state(name) for name in EVERYBODY}, flush=True)
        return 1
    needy = watcher.wait_for("needy", "misconfigured", FIRST, 0.0)
    happenings.results.append(
        Result(
            "a key is missing",
            "needy",
            "misconfigured",
            FIRST,
            needy.at if needy else None,
            0.0,
            needy.why if needy else watcher.state("needy"),
            (),
        )
    )
    order = random.Random(options.seed)
    until = time.monotonic() + 60 * options.minutes
    left: list[Callable[[], None]] = []
    while time.monotonic() < until:
        left = left or order.sample(happenings.all(), len(happenings.all()))
        happening = left.pop()
        connections.close_all()
        happening()
        print(describe(happenings.results[-1]), flush=True)
    life.stop()
    wait_for_answers(stage, signals, Web(stage.base_url))
    verdicts = judge(stage, Web(stage.base_url), options.seed, dict.fromkeys((c.slug for c in stage.chains), 0))
    differences = [difference for verdict in verdicts for difference in verdict.differences]
    tight = find_tight_loops()
    wrong = [result for result in happenings.results if not result.is_right]
    states = sorted({sighting.state for seen in watcher.seen.values() for sighting in seen})
    print(f"{len(happenings.results)} happenings, {len(wrong)} not as they should be; states seen: {', '.join(states)}")
    print(f"answers: {sum(v.pools for v in verdicts):,} pools of addresses, {len(differences)} differences")
    print(f"restarts that followed each other within {TIGHTEST:g} s: {tight or 'none'}", flush=True)
    for result in wrong:
        print(f"  wrong: {describe(result)}")
    return 1 if wrong or differences or tight else 0


def describe(result: Result) -> str:
    took = "never" if result.took is None else f"{result.took:.1f} s"
    well = "never" if result.well_after is None else f"{result.well_after:.1f} s"
    others = f"; ALSO {', '.join(result.others)}" if result.others else ""
    return f"{result.worker}: {result.happening} → {result.state} after {took}, well after {well}: {result.why}{others}"


def find_tight_loops() -> list[str]:
    """Workers of which two restarts came too soon after each other."""
    at: dict[str, float] = {}
    found = []
    for event in WorkerEvent.objects.filter(what="restart").order_by("id"):
        moment = event.at.timestamp()
        if moment - at.get(event.worker, 0.0) < TIGHTEST:
            found.append(f"{event.worker} at {event.at:%H:%M:%S}")
        at[event.worker] = moment
    return found
