"""The chain's own state, kept in `settings`, and the row lock that every change of it begins with.

latest_block_processed  the latest loop's cursor: a block number, null before the first start
final_block             the block the chain will not take back; segments and `covered` end here
watch_version           raised whenever the set of live jobs changes: batches matched under an older one are thrown away
rewind                  {"count": reorgs undone so far, "ancestor": the block the last one went back to,
                        "deletions": how often a repair has deleted rows}
head_block              the newest block the node has shown
coverage                {"complete", "check_also", "check_also_count"}: see protocol.coverage
levels                  {"proved": blocks, …}: how many blocks were read at which Level
left_version            the watch_version at which a job last left the latest loop: what it read before had other logs
trouble                 {"since", "words"}: why the latest loop gets no answer; no row, or null, while it does
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from psycopg import Cursor
from psycopg.types.json import Jsonb

from indexer.chains.connections import Connection
from indexer.chains.storable import storable

CURSOR = "latest_block_processed"
FINAL = "final_block"
WATCH_VERSION = "watch_version"
REWIND = "rewind"
HEAD = "head_block"
COVERAGE = "coverage"
LEVELS = "levels"
LEFT_VERSION = "left_version"
TROUBLE = "trouble"
STATE_KEYS = [CURSOR, FINAL, WATCH_VERSION, REWIND]

NUMBER = "(value #>> '{{}}')::bigint"
"""A value as a block number, in a statement that `union.ask_each` completes."""


def value_of(key: str, read: str = NUMBER) -> str:
    """The value of one key, in a statement over all rows: several in one reading of the table."""
    return f"max({read}) FILTER (WHERE key = '{key}')"


Cur = Cursor[tuple[Any, ...]]


class State(NamedTuple):
    """One reading of `settings`; cursor and final are None until the chain's first start."""

    cursor: int | None
    final: int | None
    watch_version: int
    rewinds: int

    @property
    def started(self) -> "Started":
        """The same with both positions known. Raises NotStarted."""
        if self.cursor is None or self.final is None:
            raise NotStarted("the chain has no cursor yet: its worker has never run")
        return Started(self.cursor, self.final, self.watch_version, self.rewinds)


class Started(NamedTuple):
    cursor: int
    final: int
    watch_version: int
    rewinds: int


class NotStarted(Exception):
    """The chain's worker has never run."""


def read_state(cur: Cur) -> State:
    rows = cur.execute("SELECT key, value FROM settings WHERE key = ANY(%s)", [STATE_KEYS])
    return state_of(dict(rows.fetchall()))


def state_of(values: Mapping[str, Any]) -> State:
    """The values of STATE_KEYS as one."""
    return State(values[CURSOR], values[FINAL], values[WATCH_VERSION], values[REWIND]["count"])


def lock_state(cur: Cur) -> State:
    """Take the cursor row, then read: a second statement, so that it sees what the lock waited for."""
    lock_cursor(cur)
    return read_state(cur)


def lock_cursor(cur: Cur) -> None:
    """Take the cursor row, which every change of the state begins with; what is read before may be old."""
    cur.execute("SELECT 1 FROM settings WHERE key = %s FOR UPDATE", [CURSOR])


def put(cur: Cur, key: str, value: object) -> None:
    cur.execute("UPDATE settings SET value = %s, updated_at = now() WHERE key = %s", [Jsonb(value), key])
    if cur.rowcount != 1:
        raise LookupError(f"settings has no row {key!r}: the schema's migrations are not applied")


def raise_watch_version(cur: Cur) -> None:
    """The set of live jobs has changed; the caller holds the cursor row."""
    cur.execute(
        "UPDATE settings SET value = to_jsonb(value::int + 1), updated_at = now() WHERE key = %s", [WATCH_VERSION]
    )


def note_head(connection: Connection, block: int) -> None:
    """Remember the newest block the node has shown."""
    with connection.cursor() as cur:
        put(cur, HEAD, block)


def note_trouble(connection: Connection, words: str, lasted: float) -> None:
    """Say why the latest loop has got no answer for `lasted` seconds."""
    connection.execute(
        "INSERT INTO settings (key, value, updated_at) VALUES (%(key)s, jsonb_build_object('since',"
        " to_char(now() AT TIME ZONE 'UTC' - make_interval(secs => %(lasted)s), 'YYYY-MM-DD HH24:MI:SS UTC'),"
        " 'words', %(words)s::text), now())"
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_at = now()",
        # A provider's words may hold what PostgreSQL's text cannot.
        {"key": TROUBLE, "lasted": lasted, "words": storable(words)},
    )


def clear_trouble(connection: Connection) -> None:
    connection.execute("UPDATE settings SET value = 'null', updated_at = now() WHERE key = %s", [TROUBLE])
