"""One chain's worker: the chain's lock, the two loops in threads of their own, and leaving in good order."""

import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Event, Thread
from time import monotonic
from types import FrameType
from typing import Any
from uuid import uuid4

import psycopg

from indexer.chains.connections import Connection, connect
from indexer.chains.endpoints import EndpointsError, announcers_of, budget_of, open_pool
from indexer.chains.learned import load_limits
from indexer.chains.models import Chain
from indexer.chains.outages import describe_outage
from indexer.chains.profiles import behind_of, block_time_of, finality_of
from indexer.chains.refusals import read_rules
from indexer.positions.auditing import AuditLoop
from indexer.positions.historic import HistoricLoop
from indexer.positions.holding import end_with_lease, ended_when_silent, share_lock, take_lock
from indexer.positions.latest import LatestLoop
from indexer.positions.live import PAUSE, Tuning
from indexer.positions.meter import (
    AUDIT,
    HISTORIC,
    LATEST,
    LOOP_ERRORS,
    RECONNECTS,
    STANDING_BY,
    WAITING_FOR_DATABASE,
    WAITING_FOR_NODE,
    WORKING,
    Meter,
)
from indexer.positions.protocol.segments import release_segments
from indexer.positions.protocol.state import COVERAGE, CURSOR, HEAD
from indexer.positions.trouble import Trouble
from indexer.positions.upkeep import Upkeep
from indexer.positions.vitals import Vitals, worker_name
from indexer.rpc import Budget, EndpointPool, Level, Limits, RpcError, Rulebook, WrongChain
from indexer.workers.background import Misconfigured
from indexer.workers.starting import TROUBLE_PAUSE

log = logging.getLogger(__name__)

STANDBY_PAUSE = 1.0
HEDGE_AFTER = 1.5
"""Seconds after which a second endpoint is asked for the head, where the first has not answered."""
PATIENCE = 5
"""Seconds for a database that is only told something."""

OUTAGES = (psycopg.OperationalError, psycopg.InternalError)
"""What a database does that is no fault of ours: it restarts, is full, takes no writes, asks to try again."""


class Stopped(Exception):
    """The worker was told to stop while it waited."""


class Worker:
    """Runs the loops of one chain until told to stop, or with `until_synced` until there is nothing left to do.

    `level` is what ranges of the past are to reach, `head_level` what single blocks at the head are.
    """

    def __init__(
        self,
        chain: Chain,
        meter: Meter,
        *,
        vitals: Vitals | None = None,
        only: str | None = None,
        until_synced: bool = False,
        level: Level = Level.CLAIMED,
        head_level: Level = Level.PROVED,
    ) -> None:
        self.chain = chain
        self.level = level
        self.head_level = head_level
        self.slug = str(chain.slug)
        self.only = only
        self.until_synced = until_synced
        self.meter = meter
        self.vitals = vitals or Vitals(worker_name(self.slug, only_historic=only == HISTORIC), meter.states, meter)
        self.stop = Event()
        self.woken = Event()
        self.connecting: set[str] = set()
        self.trouble = Trouble()
        self.failed: BaseException | None = None
        self.pool: EndpointPool | None = None
        self.announcers: list[str] = []
        self.upkeep = Upkeep(chain, Rulebook())
        self.budget = Budget(None)
        self.loops: list[LatestLoop | HistoricLoop] = []
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self.block_time = block_time_of(self.slug, chain.chain_id)

    def run(self) -> int:
        """The exit code: 0 told to stop or synced, 1 failed. Raises Misconfigured."""
        self.pool = self.wait_for_pool()
        if self.pool is None:
            return 0
        threads = {
            name: Thread(target=self.guard, args=(name, work), name=f"{self.slug}-{name}", daemon=True)
            for name, work in ((LATEST, self.run_latest), (HISTORIC, self.run_historic))
            if self.only in (None, name)
        }
        for thread in (*threads.values(), *self.listeners()):
            thread.start()
        for name, thread in threads.items():
            # Not a bare join: the main thread must stay able to take signals.
            while thread.is_alive() and not self.has_nothing_in_hand(name):
                thread.join(0.2)
        if self.failed is not None:
            log.error("%s: the worker stops: %r", self.slug, self.failed, exc_info=self.failed)
            return 1
        log.info("%s: the worker has left in good order", self.slug)
        return 0

    def listeners(self) -> list[Thread]:
        """What wakes the latest loop early."""
        urls = self.announcers if self.only != HISTORIC else []
        if not urls:
            return []
        from indexer.positions.newheads import NewHeads  # with what speaks WebSocket, for who announces

        return [
            Thread(target=NewHeads(url, number, self.stop, self.woken.set).listen, daemon=True)
            for number, url in enumerate(urls, 1)
        ]

    def handle_signals(self) -> None:
        """SIGTERM and SIGINT finish the batch in hand; a second one ends at once. SIGHUP reads RPC_URLS_FILE again."""
        signal.signal(signal.SIGTERM, self.on_stop)
        signal.signal(signal.SIGINT, self.on_stop)
        signal.signal(signal.SIGHUP, self.on_reload)

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        if self.stop.is_set():
            os._exit(128 + number)
        log.info("%s: told to stop; finishing the batch in hand", self.slug)
        self.stop.set()
        self.woken.set()

    def on_reload(self, number: int, frame: FrameType | None) -> None:
        Thread(target=self.reload, name=f"{self.slug}-reload", daemon=True).start()

    def reload(self) -> None:
        """Go on with the endpoints as configured now; with the old ones where the new cannot be used."""
        try:
            pool = self.open_pool()
        except (EndpointsError, RpcError) as error:
            log.error("%s: keeping the endpoints as they were: %s", self.slug, error)
            return
        except Stopped:
            return
        self.pool = pool
        for loop in self.loops:
            loop.pool = pool.for_purpose("historic") if isinstance(loop, HistoricLoop) else pool
        log.info("%s: endpoints read again, now asking %s", self.slug, ", ".join(each.label for each in pool.members))

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as the worker is told to stop."""
        if self.stop.wait(seconds):
            raise Stopped

    def open_pool(self) -> EndpointPool:
        """All endpoints, with what was learned of them before where the database says it now."""
        limits: dict[str, Limits] = {}
        with suppress(*OUTAGES), closing(connect(self.chain, timeout=PATIENCE)) as connection:
            self.upkeep.rulebook.teach(read_rules(connection))
            limits = load_limits(connection, self.chain)
        return open_pool(
            self.slug,
            self.chain.chain_id,
            self.pause,
            observe=self.meter.note_request,
            rulebook=self.upkeep.rulebook,
            limits=limits,
            budget=self.budget_now(),
            hedge_after=HEDGE_AFTER,
            blamed=self.meter.note_mismatch,
            unknown=self.upkeep.note_unknown,
        )

    def budget_now(self) -> Budget:
        """The day's budget as configured now; endpoints that are read again do not renew it."""
        self.budget.per_day = budget_of(self.slug)
        return self.budget

    def wait_for_pool(self) -> EndpointPool | None:
        """The endpoints to work with, None when told to stop before one answered."""
        while True:
            self.vitals.rest(self.vitals.leading, self.stop)
            try:
                self.announcers = announcers_of(self.slug)
                return self.open_pool()
            except (EndpointsError, WrongChain) as error:
                raise Misconfigured(str(error)) from None
            except RpcError as error:
                log.warning("%s: no endpoint answers, trying again: %s", self.slug, error)
                self.note_trouble(str(error))
                if self.stop.wait(TROUBLE_PAUSE):
                    return None
            except Stopped:
                return None

    def note_trouble(self, words: str) -> None:
        """Before there is a loop with a connection: say what it waits for, where that can be said."""
        self.vitals.wait_for(f"no endpoint answers, trying again: {words}")
        if self.trouble.is_worth_saying():
            with suppress(*OUTAGES), closing(connect(self.chain, timeout=PATIENCE)) as connection:
                self.trouble.say(connection, words)

    def guard(self, name: str, work: Callable[[Connection], None]) -> None:
        """Keep one loop going through a database that comes and goes; anything unforeseen stops the worker.

        Every try begins with a new connection and a new loop, which know nothing but what is stored.
        """
        try:
            while not self.stop.is_set():
                self.vitals.rest(name, self.stop)
                try:
                    with closing(self.connect(name)) as connection:
                        work(connection)
                except OUTAGES as error:
                    self.meter.add(RECONNECTS, name)
                    self.meter.note_state(name, WAITING_FOR_DATABASE)
                    self.vitals.note_sign(name)
                    what = describe_outage(error.sqlstate)
                    log.warning("%s: %s, trying again: %s", self.slug, what, str(error).strip())
                    self.stop.wait(TROUBLE_PAUSE)
        except Stopped:
            return
        except BaseException as error:
            self.failed = error
            self.stop.set()

    def connect(self, name: str) -> Connection:
        self.connecting.add(name)
        try:
            return connect(self.chain, application_name=f"footprint {self.slug}")
        finally:
            self.connecting.discard(name)

    def has_nothing_in_hand(self, loop: str) -> bool:
        """Whether a loop that is to stop only waits for a database that does not answer."""
        return self.stop.is_set() and loop in self.connecting

    def run_latest(self, connection: Connection) -> None:
        with ended_when_silent(connection, self.slug):
            if self.pool is None or not self.take_lock(connection):
                return
            loop = LatestLoop(
                self.slug,
                connection,
                self.pool,
                finality_of(self.slug, self.chain.chain_id),
                goal=self.head_level,
                behind=behind_of(self.slug, self.chain.chain_id),
                meter=self.meter,
            )
            self.run_steps(LATEST, loop, connection)

    def run_historic(self, connection: Connection) -> None:
        if self.pool is None:
            return
        end_with_lease(connection)
        share_lock(connection, self.chain)
        # After a lost connection what was claimed on it is nobody's: its readings are gone.
        release_segments(connection, self.owner)
        pool = self.pool.for_purpose("historic")
        tuning = Tuning.read(self.vitals.live)
        loop = HistoricLoop(
            self.slug,
            connection,
            pool,
            self.owner,
            goal=self.level,
            in_flight=tuning.in_flight,
            hold=tuning.hold,
            meter=self.meter,
        )
        audit = AuditLoop(self.slug, connection, pool, share=tuning.audit) if self.audits else None
        with closing(loop):
            self.run_steps(HISTORIC, loop, connection, audit)

    def run_steps(
        self, name: str, loop: LatestLoop | HistoricLoop, connection: Connection, audit: AuditLoop | None = None
    ) -> None:
        """Step until told to stop or to rest, or to begin anew with other settings.

        What there is to audit is audited while there is nothing else to do.
        """
        self.loops.append(loop)
        tuning = Tuning.read(self.vitals.live)
        try:
            while not self.stop.is_set() and not self.vitals.reason_to_rest:
                if name == HISTORIC and tuning != Tuning.read(self.vitals.live):
                    return
                began = monotonic()
                try:
                    worked = loop.step() or (audit is not None and self.audit_step(audit, loop.pool))
                    self.meter.note_state(name, WORKING)
                    self.vitals.note_step(name, monotonic() - began, worked=worked)
                    if isinstance(loop, LatestLoop):
                        self.trouble.end(connection)
                        self.vitals.note_lag(loop.head, loop.seen, self.block_time)
                    self.upkeep.run(connection, loop.pool)
                    if worked:
                        continue
                except RpcError as error:
                    self.meter.add(LOOP_ERRORS, name, type(error).__name__)
                    self.meter.note_state(name, WAITING_FOR_NODE)
                    self.vitals.note_error(name, monotonic() - began, error)
                    log.warning("%s: %s", self.slug, error)
                    if name == LATEST and self.trouble.is_worth_saying():
                        self.trouble.say(connection, str(error))
                    self.upkeep.run(connection, loop.pool)
                    self.stop.wait(TROUBLE_PAUSE)
                    continue
                if self.until_synced and self.may_tell(loop) and self.is_synced(connection):
                    log.info("%s: synced", self.slug)
                    self.stop.set()
                self.rest(name)
        finally:
            self.loops.remove(loop)

    @property
    def audits(self) -> bool:
        """One endpoint has nobody to be compared with but itself, block by block, which is for who asks for it."""
        return (
            Tuning.read(self.vitals.live).audit > 0
            and not self.until_synced
            and self.pool is not None
            and len(self.pool.members) > 1
        )

    def audit_step(self, audit: AuditLoop, pool: EndpointPool) -> bool:
        if audit.given is not pool:
            audit.pool = pool
        try:
            return audit.step()
        except RpcError as error:
            self.meter.add(LOOP_ERRORS, AUDIT, type(error).__name__)
            log.info("%s: the audit waits: %s", self.slug, error)
            return False

    @property
    def pause_between(self) -> float:
        """Seconds between two looks for something to do."""
        return min(self.vitals.live.number(PAUSE), max(0.1, self.block_time / 2))

    def rest(self, loop: str) -> None:
        """Wait until there may be something to do again."""
        if loop == LATEST:
            if self.woken.wait(self.pause_between):
                for each in self.loops:
                    if isinstance(each, LatestLoop):
                        each.expect()
            self.woken.clear()
        else:
            self.stop.wait(self.pause_between)

    def take_lock(self, connection: Connection) -> bool:
        """Become the chain's one writer at the head; waits for it as a standby. False when told to stop or to rest."""
        said = False
        while not self.stop.is_set():
            if take_lock(connection, self.chain):
                if said:
                    log.info("%s: took over", self.slug)
                return True
            if not said:
                log.info("%s: another worker is at the head; standing by", self.slug)
                self.meter.note_state(LATEST, STANDING_BY)
                said = True
            if self.vitals.reason_to_rest:
                return False
            self.vitals.stand_by()
            self.stop.wait(STANDBY_PAUSE)
        return False

    def may_tell(self, loop: LatestLoop | HistoricLoop) -> bool:
        """Whether this loop knows that all is done: the latest one has just asked the node for its head."""
        return isinstance(loop, LatestLoop) or self.only == "historic"

    def is_synced(self, connection: Connection) -> bool:
        """The head is reached (where that is ours to do) and every job's past is complete."""
        rows = connection.execute("SELECT key, value FROM settings WHERE key = ANY(%s)", [[CURSOR, HEAD, COVERAGE]])
        values: dict[str, Any] = dict(rows.fetchall())
        if values[CURSOR] is None or values[HEAD] is None:
            return False
        at_head = values[CURSOR] >= values[HEAD]
        return (self.only == "historic" or at_head) and (self.only == "latest" or values[COVERAGE]["complete"])
