"""The live settings of one process: what the database has of them, read again when somebody changed one.

A worker polls every two seconds, beside its work. The web asks `web_values()`, which reads when it is asked, every two
seconds at most.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from django.db import Error, connection

from indexer.chains.connections import Connection
from indexer.workers.live import LiveError, LiveSetting, Value, flag_of

log = logging.getLogger(__name__)

CHANNEL = "footprint_live"
"""Notified of each change, with its version; who listens need not wait for the next poll."""
POLL = 2.0
"""Seconds between two looks at the version."""
# One row of one index: the version is the newest change.
VERSION = "SELECT coalesce(max(id), 0) FROM public.live_changes"
# Some dozens of rows, and for each the newest of its changes by the index live_changes_of. As text, since Django's
# connections and the others read jsonb differently.
VALUES = """
SELECT name, value::text, coalesce(actor, ''), coalesce(why, ''), at
FROM public.live_values
LEFT JOIN LATERAL (
    SELECT actor, why, at FROM public.live_changes WHERE live_changes.name = live_values.name ORDER BY id DESC LIMIT 1
) AS newest ON true
"""


class Stored(NamedTuple):
    """What somebody has set. Written past the history, it has no `at`, and `actor` and `why` are empty."""

    value: object
    actor: str
    why: str
    at: datetime | None

    @property
    def moment(self) -> str:
        """When, as people read it; empty where nobody knows."""
        return "" if self.at is None else f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class Cursor(Protocol):
    """What psycopg's cursors and Django's have in common."""

    def execute(self, query: Any, params: Any = None, /) -> object: ...
    def fetchone(self) -> tuple[Any, ...] | None: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


class LiveValues:
    """What is set, as of `version`, for any number of threads. Before the first `poll` everything has its default."""

    def __init__(self) -> None:
        self.version = -1
        self._stored: dict[str, Stored] = {}
        self._told: set[tuple[str, str]] = set()
        self._polling = threading.Lock()

    def poll(self, connection: Connection) -> bool:
        """`read` on a connection of psycopg."""
        with connection.cursor() as cursor:
            return self.read(cursor)

    def read(self, cursor: Cursor) -> bool:
        """Read the values where they have changed since; returns whether they have. Raises what the cursor raises.

        Its connection is in autocommit. A change between the two reads is read twice, and never missed.
        """
        with self._polling:
            cursor.execute(VERSION)
            row = cursor.fetchone()
            version = row[0] if row else 0
            if version == self.version:
                return False
            cursor.execute(VALUES)
            self.take(version, cursor.fetchall())
            return True

    def take(self, version: int, rows: Iterable[tuple[Any, ...]]) -> None:
        """Hold these rows of VALUES from now on, all of them at once."""
        self._stored = {name: Stored(json.loads(text), actor, why, at) for name, text, actor, why, at in rows}
        self.version = version

    def value(self, setting: LiveSetting) -> Value:
        """What is set, or the default: also where what is stored is no value of the setting any more (logged once)."""
        stored = self.stored(setting)
        if stored is None:
            return setting.default
        try:
            return setting.check(stored.value)
        except LiveError as error:
            self._tell(setting, error)
            return setting.default

    def number(self, setting: LiveSetting) -> float:
        """The value of a setting that is a number. Raises LiveError for any other."""
        value = self.value(setting)
        if isinstance(value, str):
            raise LiveError(f"{setting.name} is a text, and not a number")
        return value

    def switch(self, setting: LiveSetting) -> bool:
        """Whether a setting that is on or off is on. Raises LiveError for any other."""
        value = self.value(setting)
        if not isinstance(value, bool):
            raise LiveError(f"{setting.name} is not a setting that is on or off")
        return value

    def flag(self, worker: str) -> bool:
        """Whether the worker of that name is to work."""
        return self.switch(flag_of(worker))

    def stored(self, setting: LiveSetting) -> Stored | None:
        """What somebody has set; None for a default."""
        return self._stored.get(setting.name)

    def set_by(self, setting: LiveSetting) -> str:
        """Who set the value, when and why: "ada, 2026-11-27 08:30:00 UTC: prices are wrong"; empty for a default."""
        stored = self.stored(setting)
        if stored is None or not stored.moment:
            return ""
        said = f"{stored.actor}, {stored.moment}"
        return f"{said}: {stored.why}" if stored.why else said

    def _tell(self, setting: LiveSetting, error: LiveError) -> None:
        if (setting.name, str(error)) not in self._told:
            self._told.add((setting.name, str(error)))
            log.warning("%s; its default holds, %s", error, setting.show(setting.default))


def read_values() -> LiveValues:
    """What every setting is at this moment, for work that looks once."""
    values = LiveValues()
    with connection.cursor() as cursor:
        values.read(cursor)
    return values


class WebValues:
    """The live settings of a web process, read through Django's connection of the thread that asks.

    `every`: seconds between two reads at least. Where the database is away, what was read last still holds.
    """

    def __init__(self, every: float = POLL) -> None:
        self._every = every
        self._values = LiveValues()
        self._due = -float("inf")
        self._reading = threading.Lock()

    def __call__(self) -> LiveValues:
        """The values; of several threads one reads, and the others go on with what there is."""
        if time.monotonic() >= self._due and self._reading.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._due = time.monotonic() + self._every
                self._reading.release()
        return self._values

    def forget(self) -> None:
        """Read at the next question, as after a change that its maker is to see at once."""
        self._due = -float("inf")

    def _read(self) -> None:
        try:
            with connection.cursor() as cursor:
                self._values.read(cursor)
        except Error as error:
            log.warning("live settings cannot be read, the last known ones hold: %s", error)


web_values = WebValues()
