"""What goes on hanging is ended more and more seldom, and what is healthy again is told of as such: with a real
supervisord, and limits that a test can wait for."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.chains.connections import Connection
from indexer.workers.patience import Pauses
from indexer.workers.states import State
from tests.processes import wait_until
from tests.workers.overseen import oversee_as, set_live
from tests.workers.rows import look, runtime

__all__ = ["runtime"]
pytestmark = pytest.mark.slow
LOOKS = 3.0
"""Seconds that a pause may take longer: two looks of the overseer, and a busy machine."""


def test_one_that_goes_on_hanging_is_ended_after_growing_pauses(runtime: Connection, run_dir: Path) -> None:
    set_live(runtime, restarts=1)
    with oversee_as("a", runtime, run_dir, ["stuck"], pauses=Pauses(first=4.0, longest=8.0)) as scene:
        runtime.execute("UPDATE public.workers SET hung_after = 1 WHERE name = 'stuck'")
        scene.tell("stuck", "idle")
        wait_until(lambda: len(scene.events("stuck", "stack")) >= 4, 60, lambda: scene.said)
        ended = runtime.execute(
            "SELECT extract(epoch FROM at) FROM public.worker_events WHERE what = 'stack' ORDER BY id LIMIT 4"
        )
        moments = [float(moment) for (moment,) in ended.fetchall()]
        # Each hangs after a second, and is let be for the rest of the time.
        pauses = [later - earlier for earlier, later in pairwise(moments)]
        assert all(pause > least for pause, least in zip(pauses, (4.0, 8.0, 8.0), strict=True)), pauses
        assert pauses[2] < 8.0 + 4 * LOOKS
        # At the limit somebody is asked, once and for all.
        status = look(runtime)["stuck"]
        assert status.needs_person.startswith("restarted ")
        assert "its heart beats, but it has done nothing" in status.needs_person


def test_restarts_are_forgotten_after_some_health(runtime: Connection, run_dir: Path) -> None:
    set_live(runtime, restarts=1)
    recovery = timedelta(seconds=8)
    with oversee_as("a", runtime, run_dir, ["prices"], recovery=recovery) as scene:
        scene.supervisor.kill(scene.process("prices"))
        scene.wait_for_event("prices", "restart")
        scene.wait_for("prices", State.HEALTHY)
        status = look(runtime)["prices"]
        assert (status.restarts, status.needs_person != "") == (1, True)
        wait_until(lambda: look(runtime)["prices"].restarts == 0, 20, lambda: scene.said)
        row = runtime.execute("SELECT now() - well_since, needs_person FROM public.workers WHERE name = 'prices'")
        (healthy, needs_person) = row.fetchone() or ()
        assert recovery <= healthy <= recovery + timedelta(seconds=LOOKS)
        assert needs_person == ""
        assert len(scene.starts("prices")) == 2
