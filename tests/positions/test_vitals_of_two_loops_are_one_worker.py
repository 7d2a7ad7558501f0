"""What a chain's worker says of itself where its two loops differ. Its heart is not started: nothing is stored."""

from collections.abc import Callable
from threading import Event

import pytest

from indexer.positions import vitals as module
from indexer.positions.meter import HISTORIC, LATEST, Meter
from indexer.positions.vitals import HUNG_AFTER, Vitals, worker_name
from indexer.rpc import BudgetSpent, Transport
from indexer.workers.states import State


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def made(clock: Clock) -> Callable[..., Vitals]:
    return lambda *loops: Vitals("worker-hilltop", loops, Meter(loops))


def state_of(vitals: Vitals) -> State:
    return vitals.heart.said.state


Made = Callable[..., Vitals]


def test_one_loop_that_stands_still_is_a_worker_that_does(made: Made, clock: Clock) -> None:
    vitals = made(LATEST, HISTORIC)
    signs: list[float] = []
    vitals.heart.progress = lambda items=0: signs.append(clock.now)  # type: ignore[method-assign]
    for _ in range(10):
        clock.now += HUNG_AFTER / 4
        vitals.note_step(LATEST, 0.1, worked=False)
    assert signs == [1000 + HUNG_AFTER / 4 * part for part in (1, 2, 3)]
    vitals.note_step(HISTORIC, 0.1, worked=False)
    assert signs[-1] == clock.now


def test_the_head_says_what_state_the_worker_is_in(made: Made) -> None:
    vitals = made(LATEST, HISTORIC)
    vitals.note_step(HISTORIC, 0.1, worked=True)
    assert state_of(vitals) is State.STARTING
    vitals.note_step(LATEST, 0.1, worked=True)
    assert state_of(vitals) is State.HEALTHY
    vitals.note_error(LATEST, 0.1, BudgetSpent("10 of 10 requests are used"))
    vitals.note_step(HISTORIC, 0.1, worked=False)
    assert (vitals.heart.said.state, vitals.heart.said.why) == (State.OUT_OF_BUDGET, "10 of 10 requests are used")
    vitals.note_step(LATEST, 0.1, worked=True)
    vitals.note_error(HISTORIC, 0.1, BudgetSpent("9 of 10 requests are used"))
    assert (vitals.heart.said.state, vitals.heart.said.why) == (State.HEALTHY, "")


def test_a_helper_is_led_by_its_only_loop(made: Made) -> None:
    vitals = made(HISTORIC)
    vitals.note_error(HISTORIC, 0.1, Transport("nobody answers"))
    assert state_of(vitals) is State.STARTING
    vitals.note_step(HISTORIC, 0.1, worked=True)
    vitals.note_error(HISTORIC, 0.1, Transport("nobody answers"))
    assert (vitals.heart.said.state, vitals.heart.said.why) == (State.HEALTHY, "trying again: nobody answers")
    assert vitals.heart.runs.failures == 2


def test_errors_count_as_failed_runs_and_waiting_does_not(made: Made) -> None:
    vitals = made(LATEST)
    for _ in range(3):
        vitals.note_step(LATEST, 0.1, worked=False)
    assert vitals.heart.runs.runs == 0
    vitals.note_error(LATEST, 0.1, Transport("nobody answers"))
    assert (vitals.heart.runs.runs, vitals.heart.runs.failures) == (1, 1)


def test_it_rests_until_there_is_no_reason_to_or_it_is_to_leave(made: Made) -> None:
    vitals = made(LATEST)
    stop = Event()
    vitals.rest(LATEST, stop)
    assert state_of(vitals) is State.STARTING
    vitals.reason_to_rest = "its flag was switched off by anna"
    stop.set()
    vitals.rest(LATEST, stop)
    assert state_of(vitals) is State.STARTING


def test_a_worker_is_called_as_its_program_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    assert worker_name("hilltop", only_historic=False) == "worker-hilltop"
    assert worker_name("hilltop", only_historic=True).startswith("historic-hilltop-")
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "historic-hilltop-2")
    assert worker_name("hilltop", only_historic=True) == "historic-hilltop-2"
