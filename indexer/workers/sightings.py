"""What an overseer writes down of the programs of its machine. Rows of other machines are left alone.

supervisord and the overseer call a worker as its program is; what befell it is kept under the name of its row, which
says on which of several machines it did (`indexer.workers.names`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from indexer.chains.connections import Connection
from indexer.workers.names import claim_name, find_name
from indexer.workers.states import LEFT, Seen, State

UNSPOKEN = UUID(int=0)
"""The `process` of a row whose process has begun and not spoken itself yet: the overseer beats for it meanwhile."""
SEEN_EVERY = timedelta(seconds=2)
KEPT = timedelta(days=30)
"""How long events and orders are kept, and the row and the lines of a worker that nobody hears of."""

PIDS = "SELECT program, pid FROM public.workers WHERE host = %s AND seen <> 'dead' AND NOT said = ANY(%s)"
ALIVE = """
UPDATE public.workers SET seen = 'alive', seen_words = '', seen_at = now()
 WHERE host = %s AND program = ANY(%s) AND (seen <> 'alive' OR seen_at <= now() - %s)
"""
# After a crash nothing is well again before the next process speaks: supervisord has begun it within a second, and
# whoever asks in between would never hear of the crash.
CRASHED = "(known.seen = %(dead)s AND NOT known.said = ANY(%(left)s))"
BEGUN = f"""
UPDATE public.workers AS known
   SET pid = begun.pid,
       process = %(unspoken)s,
       said = CASE WHEN {CRASHED} THEN %(crashed)s ELSE %(starting)s END,
       why = CASE WHEN {CRASHED} THEN known.seen_words || '; ' ELSE '' END || 'its process has begun',
       beat_at = now(), progress_at = now(), said_at = now(),
       started_at = now() - make_interval(secs => begun.age), error_rate = 0, lag = NULL
  FROM unnest(%(programs)s::text[], %(pids)s::int[], %(ages)s::int[]) AS begun (program, pid, age)
 WHERE known.host = %(host)s AND known.program = begun.program AND known.pid <> begun.pid
"""
BEAT_FOR = """
UPDATE public.workers SET beat_at = now(), progress_at = now()
 WHERE host = %s AND program = ANY(%s) AND (process = %s OR said = ANY(%s))
"""
# A row that the next process of that name has already written says nothing of the end of this one.
ENDED = """
UPDATE public.workers
   SET restarts = restarts + %(restarts)s,
       well_since = NULL,
       seen = CASE WHEN pid = %(pid)s THEN %(dead)s ELSE seen END,
       seen_words = CASE WHEN pid = %(pid)s THEN %(words)s ELSE seen_words END,
       seen_at = CASE WHEN pid = %(pid)s THEN now() ELSE seen_at END
 WHERE host = %(host)s AND program = %(program)s
RETURNING restarts
"""
NEVER_SPOKE = """
INSERT INTO public.workers (name, kind, host, pid, process, said, why, started_at, said_at, beat_at, progress_at,
                            seen, seen_words, seen_at, restarts)
VALUES (%(name)s, %(kind)s, %(host)s, %(pid)s, %(process)s, %(said)s, 'its process has begun', now(), now(), now(),
        now(), %(dead)s, %(words)s, now(), %(restarts)s)
    ON CONFLICT DO NOTHING
RETURNING restarts
"""
LEFT_WITHOUT_A_WORD = """
UPDATE public.workers SET said = %(said)s, why = %(why)s, said_at = now()
 WHERE host = %(host)s AND program = %(program)s AND seen = 'dead' AND NOT said = ANY(%(left)s)
"""
STOPPED_BY = """
UPDATE public.workers SET said = %(said)s, why = %(why)s, said_at = now()
 WHERE host = %(host)s AND program = %(program)s
"""
ASK_PERSON = "UPDATE public.workers SET needs_person = %s WHERE host = %s AND program = %s"
WELL = "UPDATE public.workers SET well_since = now() WHERE host = %s AND program = ANY(%s) AND well_since IS NULL"
NOT_WELL = (
    "UPDATE public.workers SET well_since = NULL WHERE host = %s AND program = ANY(%s) AND well_since IS NOT NULL"
)
RECOVERED = """
UPDATE public.workers SET restarts = 0, needs_person = ''
 WHERE host = %s AND program = ANY(%s) AND (restarts > 0 OR needs_person <> '') AND well_since <= now() - %s
"""
NOTE = """
INSERT INTO public.worker_events (worker, what, state, words, actor, stack) VALUES (%s, %s, %s, %s, %s, %s)
"""
# What only others can see of a worker: it does not note it itself, and neither that it is over.
NOTE_STATE = """
INSERT INTO public.worker_events (worker, what, state, words, actor)
SELECT given.name, 'state', given.state, %(words)s, ''
  FROM (VALUES (%(name)s::text, %(state)s::text, %(judged)s::text[])) AS given (name, state, judged)
  LEFT JOIN LATERAL (
       SELECT e.state FROM public.worker_events e
        WHERE e.worker = given.name AND e.what = 'state' ORDER BY e.id DESC LIMIT 1) AS newest ON true
 WHERE newest.state IS DISTINCT FROM given.state
   AND (given.state = ANY(given.judged) OR newest.state = ANY(given.judged))
"""
JUDGED = [State.HUNG.value, State.CRASHED.value, State.DEGRADED.value]
FORGET = (
    "DELETE FROM public.worker_events WHERE at < now() - %s",
    "DELETE FROM public.worker_orders WHERE at < now() - %s",
    """
    WITH gone AS (DELETE FROM public.workers WHERE beat_at < now() - %s RETURNING name)
    DELETE FROM public.worker_lines USING gone WHERE worker = gone.name
    """,
)


class Ended(NamedTuple):
    """The end of a program's process `pid`; `restarts`: 1 when supervisord starts it again unasked, otherwise 0."""

    program: str
    pid: int
    words: str
    restarts: int


class Sightings:
    """The rows of one machine, over one connection. Every method raises psycopg.Error.

    `silent`: so long nobody may have heard of another machine's worker before its name is free.
    """

    def __init__(self, connection: Connection, host: str, silent: timedelta) -> None:
        self.connection = connection
        self.host = host
        self.silent = silent

    def name_of(self, program: str) -> str:
        """What the program's row is called; the web server has none, and is called as its program is."""
        return find_name(self.connection, program, self.host) or program

    def pids(self) -> dict[str, int]:
        """By program the processes that were last heard of, and that nobody has seen end."""
        return dict(self.connection.execute(PIDS, [self.host, [state.value for state in LEFT]]).fetchall())

    def note_alive(self, programs: Sequence[str]) -> None:
        self.connection.execute(ALIVE, [self.host, list(programs), SEEN_EVERY])

    def note_begun(self, begun: Sequence[tuple[str, int, int]]) -> None:
        """Programs, processes and their ages in seconds; nothing for those that have spoken already."""
        programs, pids, ages = ([one[column] for one in begun] for column in range(3))
        given = {"unspoken": UNSPOKEN, "crashed": State.CRASHED.value, "starting": State.STARTING.value}
        given |= {"dead": Seen.DEAD.value, "left": [state.value for state in LEFT], "host": self.host}
        self.connection.execute(BEGUN, given | {"programs": programs, "pids": pids, "ages": ages})

    def beat_for(self, programs: Sequence[str]) -> None:
        """For those that are still starting, in their place; and for those that have said why they leave so soon, and
        stay until that counts (`indexer.workers.child`)."""
        self.connection.execute(BEAT_FOR, [self.host, list(programs), UNSPOKEN, [state.value for state in LEFT]])

    def note_end(self, ended: Ended, kind: str) -> int:
        """How often it has been restarted since it was last well."""
        given = ended._asdict() | {"host": self.host, "dead": Seen.DEAD.value}
        row = self.connection.execute(ENDED, given).fetchone()
        if row is None:
            name = claim_name(self.connection, ended.program, self.host, self.silent)
            given |= {"name": name, "kind": kind, "process": UNSPOKEN, "said": State.STARTING.value}
            row = self.connection.execute(NEVER_SPOKE, given).fetchone()
        return row[0] if row else 0

    def note_left(self, program: str, state: State, why: str) -> None:
        """Say for a process that has left for good why it did, where it has not said so itself."""
        given = {"program": program, "host": self.host, "said": state.value, "why": why}
        self.connection.execute(LEFT_WITHOUT_A_WORD, given | {"left": [state.value for state in LEFT]})

    def note_stopped(self, program: str, why: str) -> None:
        given = {"program": program, "host": self.host, "said": State.STOPPED.value, "why": why}
        self.connection.execute(STOPPED_BY, given)

    def ask_person(self, program: str, words: str) -> None:
        self.connection.execute(ASK_PERSON, [words, self.host, program])

    def note_health(self, well: Sequence[str], others: Sequence[str], recovery: timedelta) -> None:
        """Which programs are healthy now and which are not; restarts are forgotten after so long a health."""
        self.connection.execute(WELL, [self.host, list(well)])
        self.connection.execute(NOT_WELL, [self.host, list(others)])
        self.connection.execute(RECOVERED, [self.host, list(well), recovery])

    def note(self, program: str, what: str, words: str, *, actor: str = "", state: str = "", stack: str = "") -> None:
        """An event."""
        self.connection.execute(NOTE, [self.name_of(program), what, state, words, actor, stack])

    def note_state(self, program: str, state: State, why: str) -> None:
        """An event, where the state is new and one that the worker cannot see itself, or follows on such a one."""
        given = {"name": self.name_of(program), "state": state.value, "words": why, "judged": JUDGED}
        self.connection.execute(NOTE_STATE, given)

    def forget_old(self) -> None:
        """What is older than KEPT, of all machines."""
        for statement in FORGET:
            self.connection.execute(statement, [KEPT])
