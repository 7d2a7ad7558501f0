"""A program that beats like a worker, without Django, and does as it is told: `beating.py WAYS`, read from the file at
each beat.

It is the worker of the machine BEATS_ON (or this one), and its row is called BEATS_AS, with the program's name for {}.

works: beats and shows progress · silent: stands still, and nobody else of it runs · idle: beats, and does nothing ·
dies: ends with 1 · misconfigured: ends with 78 without a word · tells: says so before. An empty file: it works.
"""

import faulthandler
import os
import signal
import socket
import sys
import time
from pathlib import Path
from uuid import uuid4

import psycopg

EVERY = 0.3
BEAT = """
INSERT INTO public.workers (name, kind, host, pid, process, said, why, started_at, said_at, beat_at, progress_at)
VALUES (%(name)s, 'beating', %(host)s, %(pid)s, %(process)s, %(said)s, '', now(), now(), now(), now())
    ON CONFLICT (host, program) DO UPDATE SET
       pid = excluded.pid, process = excluded.process, said = excluded.said, why = '', beat_at = now(),
       progress_at = CASE WHEN %(works)s THEN now() ELSE workers.progress_at END
"""


def stand_still() -> None:
    while True:
        time.sleep(3600)


def beat(said: str, works: bool) -> None:
    given = {"name": ROW, "host": HOST, "pid": os.getpid(), "process": PROCESS}
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=2) as connection:
        connection.execute(BEAT, given | {"said": said, "works": works})


def leave(number: int, frame: object) -> None:
    beat("stopped", works=False)
    sys.exit(0)


NAME = os.environ["SUPERVISOR_PROCESS_NAME"]
ROW = os.environ.get("BEATS_AS", "{}").format(NAME)
HOST = os.environ.get("BEATS_ON") or socket.gethostname()
PROCESS = uuid4()

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    stack = os.open(Path(os.environ["FOOTPRINT_STACKS"], f"{NAME}.{os.getpid()}"), os.O_CREAT | os.O_WRONLY, 0o600)
    faulthandler.register(signal.SIGUSR1, file=stack, all_threads=True)
    with Path(f"{sys.argv[1]}.starts").open("a") as starts:
        starts.write(f"{time.monotonic()}\n")
    while True:
        ways = Path(sys.argv[1])
        way = ways.read_text().strip() if ways.exists() else "works"
        if way == "silent":
            stand_still()
        if way == "dies":
            sys.exit(1)
        if way == "tells":
            beat("misconfigured", works=False)
        if way in ("misconfigured", "tells"):
            time.sleep(float(os.environ["FOOTPRINT_STAY_SECONDS"]) + 0.2)
            sys.exit(78)
        try:
            beat("healthy", works=way == "works")
        except psycopg.OperationalError as away:
            print(away, flush=True)
        time.sleep(EVERY)
