"""What people want done to a program: start, stop, restart. Small steps, none of which waits."""

from typing import NamedTuple

from indexer.workers.supervisor import DOWN, Phase, Process, Supervisor

ACTIONS = ("start", "stop", "restart")


class Outcome(NamedTuple):
    """`words`: what came of it; `has_stopped`: the program is down now because of it."""

    words: str
    has_stopped: bool = False


def tell_order(action: str, words: str, why: str) -> str:
    """An order and what came of it, as the worker's history has it."""
    return f"{action}: {words} ({why})" if why else f"{action}: {words}"


class Errand:
    """One of ACTIONS, for one program, to be stepped about once a second until it has an outcome.

    What it remembers between steps may be lost: a new errand of the same kind goes on where this one was.
    """

    def __init__(self, action: str) -> None:
        self.action = action
        self.has_begun = False

    def step(self, supervisor: Supervisor, process: Process) -> Outcome | None:
        """None: it is under way. Raises SupervisorAway and SupervisorRefuses."""
        is_down = process.phase in DOWN
        if self.action == "stop" and is_down:
            return Outcome("stopped", has_stopped=True) if self.has_begun else Outcome("it did not run")
        if self.action == "stop" or (self.action == "restart" and not is_down and not self.has_begun):
            if process.phase is not Phase.STOPPING:
                supervisor.stop(process)
            self.has_begun = True
            return None
        if process.phase is Phase.STOPPING:
            return None
        if is_down:
            supervisor.start(process)
            return Outcome("started again" if self.has_begun else "started")
        return Outcome("it runs already")
