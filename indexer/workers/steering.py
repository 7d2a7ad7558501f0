"""Start, stop and restart a worker: directly, where its supervisord answers, or else by an order for its overseer.

Either is recorded, with who wanted it: in the worker's events and in the audit.
"""

import time
from contextlib import ExitStack

from django.db import DatabaseError

from indexer.access.audit import recorded
from indexer.workers.errands import Errand, tell_order
from indexer.workers.models import WorkerEvent, WorkerOrder
from indexer.workers.supervisor import Process, Supervisor

LOOK_AGAIN = 0.2
PATIENCE = 60.0
"""Seconds for a program to stop: its own time, after which supervisord kills it, and some more."""


def steer(supervisor: Supervisor, process: Process, action: str, *, name: str, actor: str, why: str) -> str:
    """What came of it, in words; `name`: of the worker's row, under which it is recorded.

    A database that is away keeps nobody from it, and is told of.
    Raises SupervisorAway, SupervisorRefuses and TimeoutError.
    """
    with ExitStack() as stack:
        try:
            recording = stack.enter_context(recorded(actor, f"{action} worker", target=name))
        except DatabaseError:
            return f"{carry_out(supervisor, process, action)} (not recorded: the database is away)"
        words = recording.outcome = carry_out(supervisor, process, action)
        told = tell_order(action, words, why)
        WorkerEvent.objects.create(worker=name, what="order", words=told, actor=actor)
        return words


def carry_out(supervisor: Supervisor, process: Process, action: str) -> str:
    """Step by step, until it is done."""
    errand = Errand(action)
    deadline = time.monotonic() + PATIENCE
    while (outcome := errand.step(supervisor, process)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{process.name} has not stopped within {PATIENCE:.0f} s")
        time.sleep(LOOK_AGAIN)
        process = supervisor.processes()[process.name]
    return outcome.words


def order(name: str, action: str, actor: str, why: str) -> bool:
    """Leave an order for the overseer of the worker's machine; False where such a one is open already.

    Raises DatabaseError.
    """
    with recorded(actor, f"{action} worker", target=name) as recording:
        if WorkerOrder.objects.filter(worker=name, action=action, done_at=None).exists():
            recording.outcome = "ordered already"
            return False
        left = WorkerOrder.objects.create(worker=name, action=action, actor=actor, why=why)
        recording.outcome = f"order {left.pk}" + (f" ({why})" if why else "")
        return True
