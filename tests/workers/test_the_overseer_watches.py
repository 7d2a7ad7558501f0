"""What ends, hangs or is ordered is seen by the overseer, and told with its reason: shown with a real supervisord."""

import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.chains.connections import Connection
from indexer.workers.states import State
from tests.processes import wait_until
from tests.workers.overseen import oversee, set_live
from tests.workers.rows import look, runtime

__all__ = ["runtime"]
pytestmark = pytest.mark.slow
QUICK = {"silent_after": 5.0, "hung_after": 5.0}


def test_a_killed_worker_is_started_again_and_its_reason_is_kept(runtime: Connection, run_dir: Path) -> None:
    with oversee(runtime, run_dir, ["prices", "other"]) as scene:
        pid = scene.process("prices").pid
        os.kill(pid, signal.SIGKILL)
        scene.wait_for_event("prices", "restart", 10)
        # Its next process was there before anybody has looked.
        assert "crashed: terminated by SIGKILL" in scene.events("prices", "state")
        assert scene.events("prices", "restart") == ["terminated by SIGKILL"]
        assert (scene.restarts("prices"), scene.restarts("other")) == (1, 0)
        scene.wait_for("prices", State.HEALTHY)
        assert look(runtime)["prices"].pid == scene.process("prices").pid != pid
        assert scene.supervisord.terminate() == 0
        assert {scene.state("prices"), scene.state("other")} == {State.STOPPED}
        overseer = look(runtime)["overseer"]
        assert (overseer.kind, overseer.state) == ("overseer", State.STOPPED)
        # Told to stop is no restart.
        assert (scene.restarts("prices"), scene.restarts("other")) == (1, 0)


def test_one_that_stands_still_is_ended_and_its_stack_is_kept(runtime: Connection, run_dir: Path) -> None:
    set_live(runtime, **QUICK)
    with oversee(runtime, run_dir, ["stuck", "frozen", "idle", "fine"]) as scene:
        scene.tell("stuck", "silent")
        scene.tell("idle", "idle")
        os.kill(scene.process("frozen").pid, signal.SIGSTOP)
        for name in ("stuck", "idle", "frozen"):
            scene.wait_for_event(name, "stack")
            # At once, lest the next process hang as well.
            scene.tell(name, "works")
        for name in ("stuck", "idle", "frozen"):
            scene.wait_for_event(name, "restart", 10)
            scene.wait_for(name, State.HEALTHY)
            assert scene.restarts(name) == 1
            (restart,) = scene.events(name, "restart")
            assert restart.startswith("hung: ")
            assert any(words.startswith("hung: ") for words in scene.events(name, "state"))
        assert "no heartbeat for" in scene.events("stuck", "restart")[0]
        assert "its heart beats, but it has done nothing for" in scene.events("idle", "restart")[0]
        stacks: dict[str, str] = dict(
            runtime.execute("SELECT worker, stack FROM public.worker_events WHERE what = 'stack'").fetchall()
        )
        assert "stand_still" in stacks["stuck"]
        assert "beating.py" in stacks["frozen"]
        assert "State T (stopped)" in stacks["frozen"]
        assert scene.restarts("fine") == 0
        assert len(scene.starts("fine")) == 1
        # The files of processes that are gone go, too.
        pids = {f"{name}.{scene.process(name).pid}" for name in ("stuck", "frozen", "idle", "fine")}
        wait_until(lambda: {path.name for path in (run_dir / "stacks").iterdir()} == pids, 10)


def test_who_dies_at_once_comes_back_with_pauses_and_a_person_is_asked(runtime: Connection, run_dir: Path) -> None:
    set_live(runtime, restarts=3)
    with oversee(runtime, run_dir, ["broken"], start_seconds=2) as scene:
        scene.tell("broken", "dies")
        wait_until(lambda: look(runtime)["broken"].needs_person != "", 40, lambda: scene.said)
        status = look(runtime)["broken"]
        assert status.restarts >= 3
        assert status.needs_person.startswith("restarted 3 times without ten healthy minutes")
        assert "exit status 1" in status.needs_person
        # No tight loop: each start comes later after the one before.
        pauses = [later - earlier for earlier, later in pairwise(scene.starts("broken"))]
        assert all(pause > number - 0.5 for number, pause in enumerate(pauses[1:], 1))
        assert status.state in (State.CRASHED, State.STARTING)


def test_who_leaves_with_78_without_a_word_is_misconfigured(runtime: Connection, run_dir: Path) -> None:
    with oversee(runtime, run_dir, ["needy"]) as scene:
        scene.tell("needy", "misconfigured")
        scene.wait_for("needy", State.MISCONFIGURED)
        assert look(runtime)["needy"].why == "exit status 78; its log says more"
        assert scene.events("needy", "restart") == []


def test_who_says_what_it_lacks_may_stay_until_its_exit_counts(runtime: Connection, run_dir: Path) -> None:
    set_live(runtime, **QUICK)
    with oversee(runtime, run_dir, ["needy"], start_seconds=9) as scene:
        scene.tell("needy", "tells")
        restart = scene.order("needy", "restart")
        wait_until(lambda: scene.outcome(restart) == "started again", 10)
        scene.wait_for("needy", State.MISCONFIGURED)
        wait_until(lambda: scene.process("needy").exit_status == 78, 20, lambda: scene.said)
        assert scene.state("needy") is State.MISCONFIGURED
        assert scene.events("needy", "stack") == scene.events("needy", "restart") == []


def test_orders_are_carried_out_with_who_wanted_it(runtime: Connection, run_dir: Path) -> None:
    with oversee(runtime, run_dir, ["prices"]) as scene:
        pid = scene.process("prices").pid
        stop = scene.order("prices", "stop", "too dear")
        wait_until(lambda: scene.outcome(stop) == "stopped", 10, lambda: scene.said)
        assert scene.state("prices") is State.STOPPED
        assert look(runtime)["prices"].why == "by ann: too dear"
        again = scene.order("prices", "stop")
        wait_until(lambda: scene.outcome(again) == "it did not run", 5)
        start = scene.order("prices", "start")
        wait_until(lambda: scene.outcome(start) == "started", 5)
        scene.wait_for("prices", State.HEALTHY)
        restart = scene.order("prices", "restart")
        wait_until(lambda: scene.outcome(restart) == "started again", 10)
        scene.wait_for("prices", State.HEALTHY)
        assert scene.process("prices").pid not in (0, pid)
        assert scene.restarts("prices") == 0
        assert scene.events("prices", "order") == [
            "stop: stopped (too dear)",
            "stop: it did not run",
            "start: started",
            "restart: started again",
        ]
        assert scene.events("prices", "restart") == []
        refused = scene.order("overseer", "stop")
        wait_until(lambda: scene.outcome(refused).startswith("refused: "), 5)
