"""Migrations beside a running system: no statement of theirs waits long for a lock, for everybody queues behind it."""

import time
from threading import Event, Thread
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import DeadlockDetected, LockNotAvailable

from indexer.chains.connections import open_beside

TRIES = 3
LOOK_EVERY = 0.2
"""Seconds between two looks at who is in the way."""

BLOCKERS = """
SELECT pid, coalesce(nullif(application_name, ''), 'unnamed'), coalesce(state, '?'),
       extract(epoch FROM now() - coalesce(xact_start, backend_start))::int
FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s)) ORDER BY 4 DESC
"""


class Blocker(NamedTuple):
    """A session that holds a lock; `age` is that of its transaction in seconds."""

    pid: int
    application: str
    state: str
    age: int

    def __str__(self) -> str:
        return f"{self.application} (pid {self.pid}, {self.state}, transaction {self.age} s old)"


class Watch:
    """Looks, while a migration runs, at who keeps it waiting: afterwards nobody could say."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        connection.ensure_connection()
        self.pid = connection.connection.info.backend_pid
        self.seen: list[Blocker] = []
        self.done = Event()
        self.thread = Thread(target=self.look, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.done.set()
        self.thread.join()

    def look(self) -> None:
        with open_beside(application_name="footprint migrate_schemas watch") as beside:
            while not self.done.wait(LOOK_EVERY):
                rows = beside.execute(BLOCKERS, [self.pid]).fetchall()
                self.seen = [Blocker(*row) for row in rows] or self.seen


class Migrate(DjangoMigrate):
    """Django's `migrate`, as django-tenants runs it for each schema (TENANT_BASE_MIGRATE_COMMAND).

    A migration that does not get a lock within LOCK_TIMEOUT seconds is rolled back and tried again, a few times; then a
    CommandError says who held it. What was applied before stays applied: running the command again goes on from there.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        # A new chain's tables are made inside of a transaction, which a failed statement ends.
        tries = 1 if connection.in_atomic_block else TRIES
        with Watch(connection) as watch:
            for attempt in range(1, tries + 1):
                try:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{settings.LOCK_TIMEOUT}s"])
                    super().handle(*args, **options)
                    return
                except OperationalError as error:
                    # A reader may hold what comes next and wait for what is taken already: one of the two is ended.
                    if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                        raise
                    said = f"no lock within {settings.LOCK_TIMEOUT} s, held by {name_all(watch.seen)}"
                    if attempt == tries:
                        raise CommandError(
                            f"{said}. Nothing is half done: run manage.py migrate_schemas again when that is over."
                        ) from error
                    self.stderr.write(f"\n{said}; trying again")
                    time.sleep(settings.LOCK_TIMEOUT)


def name_all(blockers: list[Blocker]) -> str:
    return ", ".join(map(str, blockers)) or "somebody who has let go by now"
