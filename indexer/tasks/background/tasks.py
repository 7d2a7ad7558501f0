"""The worker of tasks: keeps the schedules, takes runs out of the line and does them, and those of vanished workers.

Any number of processes, on any machines, may do so at once.
"""

import asyncio
import logging
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.conf import settings
from django.db import close_old_connections, connection
from django.db.backends.signals import connection_created

from indexer.chains.outages import AWAY
from indexer.tasks.carrier import QUEUE
from indexer.tasks.line import open_line
from indexer.tasks.outages import cause_of, is_outage
from indexer.tasks.running import Place, give_up
from indexer.tasks.schedules import dispatch_due, make_defaults
from indexer.tasks.sessions import end_when_still
from indexer.tasks.takeovers import BEAT, SILENT, take_over
from indexer.workers.background import BackgroundWorker, Work

POLL = 1.0
"""Seconds between two looks at the schedules, and at the line where nobody has told of something new."""
DEAF = 60.0
"""Seconds after its time limit, after which a run that does not heed it takes its process with it."""


class Tasks(BackgroundWorker):
    """What ends its loop, such as a database that is away, ends no run: each settles for itself, or is taken over."""

    def run(self, work: Work) -> None:
        try:
            self.begin(work)
        except Exception as error:
            if not is_outage(error):
                raise
            work.log.warning("%s, trying again: %s", AWAY, str(cause_of(error)).strip())

    def begin(self, work: Work) -> None:
        connection_created.connect(end_when_still)
        made = make_defaults()
        if made:
            work.log.info("schedules were made for %s", ", ".join(made))
        place = Place(f"{socket.gethostname()} {os.getpid()}")
        asyncio.run(self.keep(work, place))

    async def keep(self, work: Work, place: Place) -> None:
        most = settings.MAX_CONCURRENT_JOBS
        line = open_line(most)
        loop = asyncio.get_running_loop()
        duties = ThreadPoolExecutor(1, "schedules")
        told = 0
        async with line.open_async():
            carrying = asyncio.create_task(
                line.run_worker_async(
                    queues=[QUEUE],
                    name=place.worker,
                    concurrency=most,
                    fetch_job_polling_interval=POLL,
                    update_heartbeat_interval=BEAT,
                    stalled_worker_timeout=10 * SILENT,
                    delete_jobs="always",  # a run's row says all that there is to say
                    install_signal_handlers=False,
                    additional_context={"place": place},
                )
            )
            work.log.info("%s takes runs from the line, %s at once in all processes", place.worker, most)
            try:
                while not work.stop.is_set() and not carrying.done():
                    await loop.run_in_executor(duties, keep_schedules)
                    await loop.run_in_executor(duties, give_up_deaf, work, place)
                    work.beat(place.ended - told)
                    told = place.ended
                    await asyncio.wait([carrying], timeout=POLL)
            finally:
                place.leaving.set()
                carrying.cancel()
                while not carrying.done():
                    await asyncio.wait([carrying], timeout=POLL)
                    await loop.run_in_executor(duties, give_up_deaf, work, place)
                    work.beat()
                duties.submit(connection.close)
                duties.shutdown()
                with suppress(asyncio.CancelledError):
                    carrying.result()


def keep_schedules() -> None:
    """In a thread of its own, which has a connection of its own."""
    close_old_connections()
    dispatch_due()
    take_over()


def give_up_deaf(work: Work, place: Place) -> None:
    """A thread cannot be ended from outside, but its process can; what else it had in hand is taken over."""
    for run in place.runs:
        if run.overdue > DEAF:
            work.log.error(
                "run %s of %s is %.0f s over its time, and does not heed it: this process ends, to be started again",
                run.claim.run,
                run.task.name,
                run.overdue,
            )
            try:
                give_up(run)
            finally:
                logging.shutdown()
                os._exit(os.EX_SOFTWARE)
