"""Watches the programs of one supervisord: who has ended and why, who hangs, what people want done to them.

supervisord keeps processes running, and knows nothing of what they do; a worker's heart says what it does, and cannot
say that it has stopped. The overseer brings the two together, once a second: see `Overseer.look`.
"""

import faulthandler
import logging
import os
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import NamedTuple

import psycopg

from indexer.chains.connections import Connection, open_beside
from indexer.workers.child import FINAL_CODES
from indexer.workers.heart import Heart
from indexer.workers.live import RESTARTS, SILENT_AFTER
from indexer.workers.live_values import LiveValues
from indexer.workers.orders import Orders
from indexer.workers.patience import PAUSES, Pauses, ask_person, pause_before_restart
from indexer.workers.programs import NO_WORKERS, OVERSEER, WEB
from indexer.workers.sightings import Ended, Sightings
from indexer.workers.standstill import forget_stacks, take_stack
from indexer.workers.states import State
from indexer.workers.statuses import Status, read_statuses
from indexer.workers.supervisor import Phase, Process, Supervisor, SupervisorAway, SupervisorRefuses

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks."""
RECOVERY = timedelta(minutes=10)
"""So long a worker must be healthy before its restarts are forgotten."""
START_GRACE = 60
"""Seconds that a process may take to its first heartbeat: twice what a start takes on a busy machine."""
LONGEST_GAP = timedelta(seconds=10)
"""Between two looks; after a longer one (a machine that slept) nobody is judged by what was before."""
WATCHDOG = 60.0
"""Seconds after which an overseer that does not look any more writes its stack and ends itself."""
FORGET_EVERY = 3600.0
LIMITS = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
LOCK = "SELECT pg_try_advisory_lock(%s)"


class Place(NamedTuple):
    """What an overseer is for: the machine's name, the supervisord's socket, the folder of stacks."""

    host: str
    socket: Path
    stacks: Path

    @property
    def lock(self) -> int:
        """The advisory lock of whoever oversees there: a signed number of 64 bits."""
        return int.from_bytes(sha256(f"overseer {self.host} {self.socket}".encode()).digest()[:8], "big", signed=True)


class Overseer:
    """One machine's. `recovery`: see RECOVERY; `pauses`: before one that goes on hanging is ended."""

    def __init__(self, place: Place, recovery: timedelta = RECOVERY, pauses: Pauses = PAUSES) -> None:
        self.place = place
        self.recovery = recovery
        self.pauses = pauses
        self.supervisor = Supervisor(place.socket)
        self.orders = Orders(self.supervisor)
        self.live = LiveValues()
        self.heart = Heart(OVERSEER, OVERSEER, self.live, host=place.host)
        self.has_heart = False
        self.connection: Connection | None = None
        self.trouble: str | None = None
        self.known_since: datetime | None = None
        self.last_look: datetime | None = None
        self.pids: dict[str, int] | None = None
        self.states: dict[str, State] = {}
        self.hung: dict[tuple[str, int], float] = {}
        self.killed: dict[int, str] = {}
        self.forget_at = 0.0

    def run(self, stop: Event) -> None:
        """Look once a second until told to stop. What is away is waited for."""
        try:
            while not stop.is_set():
                # Every call has its limits; this is for what nobody has thought of.
                faulthandler.dump_traceback_later(WATCHDOG, exit=True)
                self.try_to_look()
                stop.wait(EVERY)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self.leave()

    def try_to_look(self) -> None:
        """A look, or why there was none, which is said once."""
        try:
            self.say(self.look())
        except (SupervisorAway, SupervisorRefuses) as error:
            self.say(str(error))
        except psycopg.Error as error:
            self.disconnect()
            self.say(f"the database cannot be used: {str(error).strip()}; trying again")

    def look(self) -> str:
        """One look at everything; what keeps it from looking, or nothing. Raises psycopg.Error and SupervisorAway."""
        connection = self.connect()
        if connection is None:
            return f"another overseer watches {self.place.socket}; standing by"
        self.note_time(connection)
        self.live.poll(connection)
        sightings = Sightings(connection, self.place.host, timedelta(seconds=self.live.number(SILENT_AFTER)))
        processes = self.supervisor.processes()
        self.orders.carry_out(connection, sightings, processes)
        self.look_for_ends(sightings, processes)
        self.look_for_life(sightings, processes)
        statuses = read_statuses(connection.cursor(), self.known_since, self.live)
        workers = processes.keys() - NO_WORKERS
        ours = [status for status in statuses if status.host == self.place.host and status.program in workers]
        self.note_states(sightings, ours)
        well = [status.program for status in ours if status.state is State.HEALTHY]
        others = [status.program for status in ours if status.state is not State.HEALTHY]
        sightings.note_health([*well, OVERSEER], others, self.recovery)
        self.look_for_hung(sightings, ours, processes)
        if time.monotonic() >= self.forget_at:
            sightings.forget_old()
            self.forget_at = time.monotonic() + FORGET_EVERY
        self.beat()
        return ""

    def beat(self) -> None:
        """This overseer looks: its own heart tells so, from its first look on."""
        if not self.has_heart:
            self.heart.start()
            self.has_heart = True
        self.heart.say(State.HEALTHY)
        self.heart.progress()

    def connect(self) -> Connection | None:
        """The connection that holds the place's lock; None while another overseer has it."""
        if self.connection is None:
            connection = open_beside(application_name="footprint overseer", **LIMITS)
            connection.execute("SET statement_timeout TO '10s'")
            row = connection.execute(LOCK, [self.place.lock]).fetchone()
            if row != (True,):
                connection.close()
                return None
            self.connection = connection
            # A server that was away, and one that was restarted, ends every connection.
            self.last_look = None
        return self.connection

    def disconnect(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def note_time(self, connection: Connection) -> None:
        """Since when nothing was hidden from this overseer, by the database's time."""
        (now,) = connection.execute("SELECT now()").fetchone() or (None,)
        if self.last_look is None or now - self.last_look > LONGEST_GAP:
            self.known_since = now
            self.hung.clear()
        self.last_look = now

    def look_for_ends(self, sightings: Sightings, processes: Mapping[str, Process]) -> None:
        """Note whose process is another one than at the last look, or than was last heard of."""
        if self.pids is None:
            self.pids = sightings.pids()
            self.note_predecessor(sightings, self.pids.get(OVERSEER, 0))
        for name, process in processes.items():
            pid = self.pids.get(name, 0)
            if pid not in (0, process.pid) and name != OVERSEER:
                self.note_end(sightings, process, pid)
            # One after the other: where the database goes away meanwhile, the rest is noted when it is back.
            self.pids[name] = process.pid

    def note_predecessor(self, sightings: Sightings, pid: int) -> None:
        """The overseer before this one, if it has ended without a word."""
        if pid not in (0, os.getpid()):
            end = self.supervisor.last_end(OVERSEER)
            words = end.words if end else "its process has ended"
            sightings.note_end(Ended(OVERSEER, pid, words, restarts=1), OVERSEER)
            sightings.note(OVERSEER, "restart", words)

    def note_end(self, sightings: Sightings, process: Process, pid: int) -> None:
        name = process.name
        forget_stacks(self.place.stacks, name, pid)
        why = self.killed.get(pid, "")
        end = self.supervisor.last_end(name)
        words = why or (end.words if end else process.error or "its process has ended")
        is_told = process.phase in (Phase.STOPPED, Phase.STOPPING) or bool(end and end.was_told and not why)
        has_left = process.phase is Phase.EXITED and process.exit_status in FINAL_CODES
        ended = Ended(name, pid, words, restarts=0 if is_told or has_left else 1)
        # The web server has no heart, and so no row.
        restarts = 0 if name == WEB else sightings.note_end(ended, kind_of(name))
        if is_told or has_left:
            is_misconfigured = has_left and process.exit_status
            state = State.MISCONFIGURED if is_misconfigured else State.STOPPED
            sightings.note_left(name, state, f"{words}; its log says more" if is_misconfigured else words)
            return
        log.warning("%s: %s (process %d)", name, words, pid)
        if not why:
            # Its next process may have spoken already: whoever reads the history is told of the crash all the same.
            sightings.note_state(name, State.CRASHED, words)
        sightings.note(name, "restart", words)
        limit = int(self.live.number(RESTARTS))
        if restarts >= limit:
            sightings.ask_person(name, ask_person(sightings.name_of(name), restarts, words))
        self.killed.pop(pid, None)

    def note_states(self, sightings: Sightings, statuses: list[Status]) -> None:
        for status in statuses:
            if self.states.get(status.program) is not status.state:
                sightings.note_state(status.program, status.state, status.why)
                self.states[status.program] = status.state

    def look_for_life(self, sightings: Sightings, processes: Mapping[str, Process]) -> None:
        """Note whose process is there, and stand in for the hearts of those that are starting."""
        workers = [process for name, process in processes.items() if name not in NO_WORKERS and process.pid]
        sightings.note_begun([(process.name, process.pid, process.age) for process in workers])
        sightings.beat_for([process.name for process in workers if process.age < START_GRACE])
        sightings.note_alive([OVERSEER, *(process.name for process in workers)])

    def look_for_hung(self, sightings: Sightings, ours: list[Status], processes: Mapping[str, Process]) -> None:
        """End one that hangs for the second look in a row: its stack is kept, and supervisord starts it again.

        One a look: while a stack is waited for, nothing else is seen. From the limit of restarts on each waits longer.
        """
        limit = int(self.live.number(RESTARTS))
        now = time.monotonic()
        found: dict[tuple[str, int], float] = {}
        due: list[Status] = []
        for status in ours:
            process = processes[status.program]
            is_up = process.phase in (Phase.STARTING, Phase.RUNNING) and process.pid == status.pid
            if status.state is not State.HUNG or not is_up:
                continue
            key = (status.program, status.pid)
            found[key] = self.hung.get(key, now)
            if key in self.hung and now - found[key] >= pause_before_restart(status.restarts, limit, self.pauses):
                due.append(status)
        self.hung = found
        for status in due[:1]:
            self.end_hung(sightings, status, processes[status.program])

    def end_hung(self, sightings: Sightings, status: Status, process: Process) -> None:
        words = f"hung: {status.why}"
        stack = take_stack(self.place.stacks, status.program, status.pid)
        sightings.note(status.program, "stack", words, stack=stack)
        log.warning("%s: %s; its stack is kept, and it is started again", status.program, words)
        self.killed[status.pid] = words
        self.supervisor.kill(process)

    def say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble:
                log.warning("%s", trouble)
            else:
                log.info("watching the programs of %s", self.place.socket)

    def leave(self) -> None:
        """The last words, where there is a database to take them."""
        if self.has_heart:
            self.heart.say(State.STOPPED, "told to stop")
            self.heart.close()
        self.disconnect()


def kind_of(name: str) -> str:
    """The kind of a worker that has not told it, by its program's name."""
    return "chain" if name.startswith(("worker-", "historic-")) else name
