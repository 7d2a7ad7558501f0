"""Orders that people have left in the database for the programs of one supervisord."""

from collections.abc import Mapping

from indexer.chains.connections import Connection
from indexer.workers.errands import Errand, Outcome, tell_order
from indexer.workers.programs import OVERSEER
from indexer.workers.sightings import Sightings
from indexer.workers.supervisor import Process, Supervisor, SupervisorRefuses

OPEN = """
SELECT id, worker, action, actor, why FROM public.worker_orders
 WHERE done_at IS NULL AND worker = ANY(%s) ORDER BY id
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
        for number, worker, action, actor, why in connection.execute(OPEN, [list(processes)]).fetchall():
            if worker in busy:
                continue
            busy.add(worker)
            errand = self.errands.setdefault(number, Errand(action))
            outcome = self.step(errand, processes[worker])
            if outcome is None:
                continue
            if outcome.has_stopped:
                sightings.note_stopped(worker, f"by {actor}: {why}" if why else f"by {actor}")
            connection.execute(DONE, [outcome.words, number])
            sightings.note(worker, "order", tell_order(action, outcome.words, why), actor=actor)
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
