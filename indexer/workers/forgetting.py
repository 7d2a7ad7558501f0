"""Forget a worker that is planned no more: its row, its lines and the orders that were left for it.

What befell it is kept as long as all events are (`sightings.KEPT`).
"""

from django.db import connection, transaction

from indexer.access.audit import recorded
from indexer.workers.models import WorkerLine, WorkerOrder, WorkerRow
from indexer.workers.states import ENDED
from indexer.workers.statuses import Status, read_statuses


class StillThere(Exception):
    """The worker's process has not ended, or nobody knows the worker; the text says so."""


def forget(name: str, actor: str, why: str) -> None:
    """By the name of its row. One that runs again comes back with its next word. Raises StillThere, DatabaseError."""
    with recorded(actor, "forget worker", target=name) as recording:
        with connection.cursor() as cursor:
            status = next((status for status in read_statuses(cursor) if status.name == name), None)
        if status is None:
            raise StillThere(f"there is no worker {name}")
        remove(status)
        recording.outcome = f"forgotten ({why})" if why else "forgotten"


def remove(status: Status) -> None:
    """All at once, and only if it has ended and said nothing since it was found so. Raises StillThere."""
    name = status.name
    if status.state not in ENDED:
        raise StillThere(f"{name} is {status.state}: only a worker that has ended is forgotten")
    with transaction.atomic():
        gone, _ = WorkerRow.objects.filter(pk=name, process=status.process, beat_at=status.beat_at).delete()
        if not gone:
            raise StillThere(f"{name} has just spoken again")
        WorkerLine.objects.filter(worker=name).delete()
        WorkerOrder.objects.filter(worker=name, done_at=None).delete()
