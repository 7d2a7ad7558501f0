"""Under which name a worker's row is kept, as several machines may run the same program.

It is the program's name, or PROGRAM@HOST where a worker of another machine had that name when this one began. A machine
keeps the name that it has; its rows are found by host and program, whatever they are called.
"""

from datetime import timedelta

from indexer.chains.connections import Connection
from indexer.workers.programs import full_name
from indexer.workers.states import LEFT

FIND = "SELECT name FROM public.workers WHERE host = %s AND program = %s"
# Its machine may see a process that does not speak, and is about to end it: it needs the row for that.
TAKE_OVER = """
WITH gone AS (
     DELETE FROM public.workers
      WHERE name = %(program)s AND host <> %(host)s
        AND (said = ANY(%(left)s)
             OR (beat_at < now() - %(silent)s AND NOT (seen = 'alive' AND seen_at >= now() - %(silent)s)))
     RETURNING name, host)
UPDATE public.worker_orders SET done_at = now(), outcome = 'it ran on ' || gone.host || ', and no more'
  FROM gone WHERE worker = gone.name AND done_at IS NULL
"""
IS_TAKEN = "SELECT EXISTS (SELECT FROM public.workers WHERE name = %s)"


def find_name(connection: Connection, program: str, host: str) -> str | None:
    """What this machine's row of the program is called; None where it has none. Raises psycopg.Error."""
    row = connection.execute(FIND, [host, program]).fetchone()
    return str(row[0]) if row else None


def claim_name(connection: Connection, program: str, host: str, silent: timedelta) -> str:
    """The name for this machine's worker; it is held by whoever stores a row first.

    The program's own name becomes free when the other machine's worker has left, or nobody has heard of it for
    `silent`: then its row goes, and with it the orders that were left for it. Raises psycopg.Error.
    """
    if name := find_name(connection, program, host):
        return name
    given = {"program": program, "host": host, "silent": silent, "left": [state.value for state in LEFT]}
    connection.execute(TAKE_OVER, given)
    is_taken = connection.execute(IS_TAKEN, [program]).fetchone() == (True,)
    return full_name(program, host) if is_taken else program
