import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from indexer.tasks.declaring import Counts, Refused, Retry, Run, Wait, task
from tests.tasks.samples.diary import note
from tests.tasks.samples.scheduled.stumble import Busy


def list_pieces(first: date | None, last: date | None, *, count: int = 5) -> Iterable[str]:
    return [f"piece-{number}" for number in range(count)]


@task(partitions=list_pieces, fresh_for=timedelta(hours=1), retry=Retry(attempts=1))
def pieces(
    run: Run,
    key: str,
    *,
    count: int = 5,
    broken: str = "",
    unknown: str = "",
    leaves: str = "",
    busy: str = "",
    file: str = "",
    pause: float = 0.0,
) -> Counts:
    """Do some pieces."""
    if key in broken.split():
        raise ValueError(f"{key} is broken")
    if key in unknown.split():
        raise Refused(f"{key} is unknown")
    if key in busy.split():
        raise Busy(f"{key} is busy", 60)
    if key in leaves.split():
        raise Wait("there is no more today", datetime.now(UTC) + timedelta(hours=1))
    if pause:  # libfaketime has trouble with sleep
        time.sleep(pause)
    note(file, key)
    return Counts(created=10)
