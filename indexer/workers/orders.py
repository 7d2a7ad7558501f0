"""Orders that people have left in the database for the programs of one supervisord."""

from collections.abc import Mapping

from indexer.chains.connections import Connection
from indexer.workers.errands import Errand, Outcome, tell_order
from indexer.workers.programs import OVERSEER
from indexer.workers.sightings import Sightings
from indexer.workers.supervisor import Process, Supervisor, SupervisorRefuses

# What is ordered for a worker is for the machine that has its row.
OPEN = """
SELECT o.id, w.program, o.action, o.actor, o.why
  FROM public.worker_orders o JOIN public.workers w ON w.name = o.worker
 WHERE o.done_at IS NULL AND w.host = %s AND w.program = ANY(%s) ORDER BY o.id
"""
DONE = "UPDATE public.worker_orders SET done_at = now(), outcome = %s WHERE id = %s AND done_at IS NULL"


class Orders:
    """Carries orders out, a step of each at every look; those of one program one after the other."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.errands: dict[int, Errand] = {}

    def carry_out(self, connection: Connection, sightings: Sightings, processes: Mapping[str, Process]) -> None:
        """Raises psycopg.Error and SupervisorAway; an order that is under way then goes on at the next look."""
        busy: set[str] = set()
        left = connection.execute(OPEN, [sightings.host, list(processes)]).fetchall()
        for number, program, action, actor, why in left:
            if program in busy:
                continue
            busy.add(program)
            errand = self.errands.setdefault(number, Errand(action))
            outcome = self.step(errand, processes[program])
            if outcome is None:
                continue
            if outcome.has_stopped:
                sightings.note_stopped(program, f"by {actor}: {why}" if why else f"by {actor}")
            connection.execute(DONE, [outcome.words, number])
            sightings.note(program, "order", tell_order(action, outcome.words, why), actor=actor)
            del self.errands[number]

    def step(self, errand: Errand, process: Process) -> Outcome | None:
        if process.name == OVERSEER:
            return Outcome(
                "refused: whoever carries orders out cannot stop itself; `manage.py workers` on its machine can"
            )
        try:
            return errand.step(self.supervisor, process)
        except SupervisorRefuses as refused:
            return Outcome(f"refused: {refused}")
