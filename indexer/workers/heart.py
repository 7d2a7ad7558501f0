"""A worker's heart: a thread with a connection of its own that writes the worker's row, however the work goes.

A beat stores what the worker is and has done, the states it has gone through and the newest lines of its log, in one
transaction; then it reads the live settings. A database that is away is waited for: nothing is lost but lines beyond
`lines.WAITING`.
"""

import logging
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from uuid import uuid4

import psycopg
from django.conf import settings

from indexer.chains.connections import Connection, open_beside
from indexer.chains.outages import describe_outage
from indexer.chains.storable import storable
from indexer.workers.beating import Beat, Change, store_beat
from indexer.workers.lines import Line, LineBuffer, store_lines
from indexer.workers.live import SILENT_AFTER
from indexer.workers.live_values import CHANNEL, LiveValues
from indexer.workers.names import claim_name
from indexer.workers.programs import full_name
from indexer.workers.runs import Runs
from indexer.workers.states import State

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5
STATEMENT_TIMEOUT = 10
"""Seconds after which a beat is given up: the next one tells the same, and more."""
LONGEST_WHY = 1_000
"""Characters."""
MOST_CHANGES = 200
"""Changes of state that wait for a database which is away."""
OUTAGES = (psycopg.OperationalError, psycopg.InternalError)


class Heart:
    """Beats every `every` seconds, and at once when something is said or a live setting is changed.

    `program`: what the worker is called on its machine, `host`; `name`: that of its row, see `names`. `kind`: chain, or
    a background worker's name. `on_change` is called in the heart's thread,
    with its connection, after the live settings were read for the first time and whenever they have changed; what it
    raises counts as an outage, and it is called again. Any thread may tell the heart of progress.
    """

    def __init__(
        self,
        program: str,
        kind: str,
        live: LiveValues,
        *,
        host: str | None = None,
        every: float = 2.0,
        on_change: Callable[[Connection], None] | None = None,
    ) -> None:
        self.program = self.name = program
        self.host = host or socket.gethostname()
        self.kind = kind
        self.live = live
        self.every = every
        self.on_change = on_change
        self.hung_after: float | None = None
        self.memory_limit: int | None = None
        self.process = uuid4()
        self.began = time.monotonic()
        self.has_read = Event()
        """Set once the live settings were read."""
        self.runs = Runs(self.began)
        self.lag: float | None = None
        self.said = Change(State.STARTING, "", self.began)
        self.progressed = self.began
        self.changes: deque[Change] = deque([self.said], maxlen=MOST_CHANGES)
        self.lines = LineBuffer()
        self.lock = Lock()
        self.beaten = Condition()
        self.asked = 0
        self.answered = 0
        self.owes_change = True
        self.is_away = False
        self.ended = Event()
        self.waking, self.woken = socket.socketpair()
        self.woken.setblocking(False)
        self.thread = Thread(target=self.run, name=f"{program}-heart", daemon=True)

    def start(self) -> None:
        logging.getLogger().addHandler(self.lines)
        self.thread.start()

    def close(self, within: float = 3.0) -> None:
        """Beat a last time, with what was said last, and end; where the database is away that is given up in time."""
        self.ended.set()
        self.wake()
        if self.thread.ident is not None:
            self.thread.join(within)
        if not self.thread.is_alive():
            self.waking.close()
            self.woken.close()
        logging.getLogger().removeHandler(self.lines)

    def say(self, state: State, why: str = "") -> None:
        """What the worker is from now on, and why, in words; secrets in them are masked."""
        why = settings.MASK(storable(why))[:LONGEST_WHY]
        with self.lock:
            if (state, why) == (self.said.state, self.said.why):
                return
            if state is not self.said.state:
                self.said = Change(state, why, time.monotonic())
                self.changes.append(self.said)
            else:
                self.said = self.said._replace(why=why)
        self.wake()

    def progress(self, items: int = 0) -> None:
        """The work goes on, and so many more items are done."""
        with self.lock:
            self.note_progress(items)

    def note_run(self, seconds: float, items: int = 0, *, failed: bool = False) -> None:
        """A run has ended, after so many seconds."""
        with self.lock:
            self.runs.note_run(time.monotonic(), seconds, failed=failed)
            self.note_progress(items)

    def note_progress(self, items: int) -> None:
        """With the lock held."""
        self.progressed = time.monotonic()
        if items:
            self.runs.note_items(self.progressed, items)

    def note_lag(self, seconds: float | None) -> None:
        self.lag = seconds

    def beat_now(self, within: float = 3.0) -> bool:
        """Beat, and wait until that is stored; whether it is."""
        with self.beaten:
            self.asked += 1
            ticket = self.asked
            self.wake()
            return self.beaten.wait_for(lambda: self.answered >= ticket, within)

    def wake(self) -> None:
        with suppress(OSError):  # it is full of wakings already, or closed
            self.woken.send(b"\0")

    def run(self) -> None:
        """Beat until closed, through a database that comes and goes; closed, it tries once more."""
        while True:
            is_last = self.ended.is_set()
            try:
                with closing(self.connect()) as connection:
                    self.beat_on(connection)
                    return
            except OUTAGES as error:
                self.note_outage(f"{describe_outage(error.sqlstate)}: {str(error).strip()}")
            except Exception as error:
                # Whatever it is: without a heart the worker would count as hung.
                self.note_outage(f"{type(error).__name__}: {error}")
            if is_last:
                return
            self.wait(None, self.every)

    def note_outage(self, words: str) -> None:
        if not self.has_read.is_set():
            # Before the first beat whoever starts the worker says the same.
            return
        if not self.is_away:
            log.warning("%s: no heartbeat can be stored, trying again: %s", self.program, words)
        self.is_away = True

    def connect(self) -> Connection:
        connection = open_beside(application_name=f"footprint {self.program} heart", connect_timeout=CONNECT_TIMEOUT)
        connection.execute(f"SET statement_timeout TO '{STATEMENT_TIMEOUT}s'")
        connection.execute(f"LISTEN {CHANNEL}")
        return connection

    def beat_on(self, connection: Connection) -> None:
        """Beat until closed, and then a last time."""
        self.read_live(connection)
        silent = timedelta(seconds=self.live.number(SILENT_AFTER))
        self.name = claim_name(connection, self.program, self.host, silent)
        while True:
            is_last = self.ended.is_set()
            self.beat(connection)
            if is_last:
                return
            self.wait(connection, self.every)

    def beat(self, connection: Connection) -> None:
        ticket = self.asked
        lines = self.lines.take()
        with self.lock:
            beat = self.describe()
            changes = list(self.changes)
        self.store(connection, beat, changes, lines)
        self.lines.forget(lines)
        with self.lock:
            while self.changes and self.changes[0] in changes:
                self.changes.popleft()
        if self.is_away:
            log.info("%s: its heartbeats are stored again", self.program)
            self.is_away = False
        self.read_live(connection)
        if self.owes_change and self.on_change is not None:
            self.on_change(connection)
        self.owes_change = False
        self.has_read.set()
        with self.beaten:
            self.answered = ticket
            self.beaten.notify_all()

    def read_live(self, connection: Connection) -> None:
        if self.live.poll(connection):
            self.owes_change = True

    def store(self, connection: Connection, beat: Beat, changes: list[Change], lines: list[Line]) -> None:
        """At once or not at all; under another name where another machine's worker has taken this one meanwhile."""
        with connection.transaction():
            if not store_beat(connection, beat, changes):
                self.name = full_name(self.program, self.host)
                store_beat(connection, beat._replace(name=self.name), changes)
            store_lines(connection, self.name, lines, beat.now)

    def describe(self) -> Beat:
        now = time.monotonic()
        return Beat(
            name=self.name,
            kind=self.kind,
            host=self.host,
            pid=os.getpid(),
            process=self.process,
            said=self.said,
            now=now,
            began=self.began,
            progressed=self.progressed,
            last_run=self.runs.last_run,
            runs=self.runs.runs,
            failures=self.runs.failures,
            items=self.runs.items,
            error_rate=self.runs.error_rate,
            items_per_minute=self.runs.items_per_minute(now),
            latency=self.runs.latency,
            lag=self.lag,
            memory=resident_bytes(),
            hung_after=self.hung_after,
            memory_limit=self.memory_limit,
        )

    def wait(self, connection: Connection | None, seconds: float) -> None:
        """Until it is time for the next beat, somebody wakes it, or a live setting is changed."""
        watched: list[socket.socket | Connection] = [self.waking] if connection is None else [self.waking, connection]
        readable, _, _ = select.select(watched, [], [], 0 if self.ended.is_set() else seconds)
        if self.waking in readable:
            self.waking.recv(4096)
        if connection is not None and connection in readable:
            for _ in connection.notifies(timeout=0):
                pass


def resident_bytes() -> int:
    """Memory that this process has; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
