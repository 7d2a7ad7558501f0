"""A worker in every state, with what befell it and what it logged: something for pages to show."""

from indexer.chains.connections import Connection
from indexer.workers.states import State
from tests.workers.rows import tell

NAMES = {
    "worker-ethereum": State.HEALTHY,
    "worker-base": State.STARTING,
    "worker-polygon": State.HUNG,
    "worker-arbitrum": State.CRASHED,
    "historic-ethereum-1": State.DEGRADED,
    "prices": State.OUT_OF_BUDGET,
    "profiles": State.MISCONFIGURED,
    "posts": State.STOPPED_BY_FLAG,
    "summaries": State.STOPPED,
    "overseer": State.HEALTHY,
}
EVENT = "INSERT INTO public.worker_events (worker, what, state, words, actor, stack) VALUES (%s, %s, %s, %s, %s, %s)"
LINE = "INSERT INTO public.worker_lines (worker, at, level, logger, text) VALUES (%s, now(), %s, %s, %s)"
STACK = 'Thread 0x00007f1 (most recent call first):\n  File "indexer/rpc/channel.py", line 88 in read\n'


def tell_every_state(connection: Connection) -> None:
    """As NAMES has them, and for ten minutes: nobody beats. Hung is who did nothing for longer than its millisecond."""
    connection.execute("INSERT INTO public.live_values (name, value) VALUES ('workers.silent_after', '600')")
    figures = {"items_per_minute": 5.1, "latency": 0.34, "lag": 9.0, "memory": 96_000_000}
    tell(connection, "worker-ethereum", **figures)
    tell(connection, "worker-base", said=State.STARTING, memory=40_000_000)
    tell(connection, "worker-polygon", progress=300, hung_after=0.001, restarts=2, **figures)
    tell(connection, "worker-arbitrum", seen="dead", seen_words="it was ended by signal 9 (SIGKILL)", restarts=5)
    crashed = "UPDATE public.workers SET seen_at = now(), needs_person = %s WHERE name = 'worker-arbitrum'"
    connection.execute(crashed, ["5 restarts without ten healthy minutes between: see its log and its stacks"])
    tell(connection, "historic-ethereum-1", **figures | {"error_rate": 0.75, "lag": 4000.0})
    tell(connection, "prices", kind="prices", said=State.OUT_OF_BUDGET, why="the requests of the day are used up")
    tell(connection, "profiles", kind="profiles", said=State.MISCONFIGURED, why="NEYNAR_API_KEY is not set")
    tell(connection, "posts", kind="posts", said=State.STOPPED_BY_FLAG, why="ada, 08:30 UTC: the posts are wrong")
    connection.execute("INSERT INTO public.live_values (name, value) VALUES ('worker.posts', 'false')")
    tell(connection, "summaries", kind="summaries", said=State.STOPPED)
    tell(connection, "overseer", kind="overseer", memory=30_000_000)
    connection.execute("UPDATE public.workers SET last_run_at = now() - interval '4 s' WHERE memory > 50000000")


def tell_a_history(connection: Connection, worker: str, lines: int = 30) -> None:
    for event in (
        ("state", "healthy", "", "", ""),
        ("stack", "", "it has done nothing for 121 s", "", STACK),
        ("restart", "", "it was hung", "", ""),
        ("order", "", "restart: done", "ada", ""),
        ("state", "hung", "its heart beats, but it has done nothing for 300 s", "", ""),
    ):
        connection.execute(EVENT, [worker, *event])
    for number in range(lines):
        level = "ERROR" if number % 10 == 7 else "WARNING" if number % 10 == 3 else "INFO"
        text = f"{worker} blocks 17,000,{number:03}-17,000,{number + 1:03}: 12 logs <b>stored</b>"
        connection.execute(LINE, [worker, level, "indexer.positions.latest", text])
