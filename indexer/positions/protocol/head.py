"""The commits of the latest loop: what a block touched, its header and the cursor, in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from json import dumps
from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.protocol.arrays import bytes_array, number_array
from indexer.positions.protocol.coverage import refresh_coverage, refresh_summary
from indexer.positions.protocol.ledger import UNKNOWN, Provenance, Run, note_final_blocks, note_run
from indexer.positions.protocol.state import (
    CURSOR,
    FINAL,
    HEAD,
    LEVELS,
    STATE_KEYS,
    Cur,
    State,
    lock_cursor,
    lock_state,
    put,
    state_of,
)
from indexer.positions.protocol.store import Stored, store_matches
from indexer.positions.watch import Matches, merge
from indexer.rpc import Header

BASE = """
SELECT (SELECT jsonb_object_agg(key, value) FROM settings WHERE key = ANY(%(keys)s)),
       (SELECT hash FROM blocks WHERE number = %(base)s),
       (SELECT coalesce(max(number), -1) FROM blocks WHERE number <= %(final)s)
"""
KEEP = """
INSERT INTO blocks (number, hash, parent_hash, timestamp, level, endpoints, log_count, digest, watch_version)
SELECT number, hash, parent_hash, timestamp, level, string_to_array(endpoints, ' '), logs, digest, version
FROM unnest(%(number)s::bigint[], %(hash)s::bytea[], %(parent_hash)s::bytea[], %(timestamp)s::bigint[],
            %(block_level)s::int[], %(endpoints)s::text[], %(logs)s::int[], %(digest)s::numeric[], %(version)s::int[])
    AS new (number, hash, parent_hash, timestamp, level, endpoints, logs, digest, version)
"""
# What is said of levels grows by what is given; the other settings become it. A historic loop may count levels
# meanwhile: the row is then read again as that one has left it.
ADVANCE = f"""
WITH kept AS ({KEEP})
UPDATE settings SET updated_at = now(), value = CASE WHEN settings.key = %(levels)s THEN settings.value || (
        SELECT jsonb_object_agg(word, coalesce((settings.value ->> word)::bigint, 0) + blocks::bigint)
        FROM jsonb_each_text(given.value) AS more (word, blocks)
    ) ELSE given.value END
FROM unnest(%(key)s::text[], %(value)s::text[]::jsonb[]) AS given (key, value)
WHERE settings.key = given.key
"""
# What only a reorg above the new final block would have needed.
LET_GO = """
WITH gone AS (DELETE FROM unsettled WHERE block_number <= %s)
DELETE FROM blocks WHERE number < %s
"""


class Base(NamedTuple):
    """What a batch was read on: the block before it and the set of live jobs it was matched against."""

    number: int
    hash: bytes
    watch_version: int


class Settlement(NamedTuple):
    """A newer final block, and the lowest header to keep below it."""

    final: int
    keep_from: int


class HeadBlock(NamedTuple):
    """What a block holds, and what that was checked against."""

    header: Header
    matches: Matches
    provenance: Provenance = UNKNOWN


def start_chain(connection: Connection, final: Header) -> bool:
    """Put a new chain's cursor on its final block. False when it has one already."""
    with connection.transaction(), connection.cursor() as cur:
        if lock_state(cur).cursor is not None:
            return False
        insert_header(cur, final)
        put(cur, CURSOR, final.number)
        put(cur, FINAL, final.number)
        refresh_coverage(cur)
    return True


def commit_blocks(
    connection: Connection,
    base: Base,
    read: Sequence[HeadBlock],
    settlement: Settlement,
    *,
    settled: bool,
    head: int | None = None,
) -> Stored | None:
    """Store a batch of blocks, oldest first and not none, and move the cursor to the last one.

    `settled`: the whole batch is final, any number of blocks that one reading stands for; otherwise it is one for each
    block, and the parent of the first is the base, of every other the one before it. `head` is what the node has shown.
    None, and nothing written, when the cursor or the jobs have changed since the batch was read: it is thrown away.
    """
    with connection.transaction(), connection.cursor() as cur:
        lock_cursor(cur)
        state, base_hash, stored_final = read_base(cur, base.number, settlement.final)
        if (state.cursor, state.watch_version) != (base.number, base.watch_version):
            return None
        if base_hash != base.hash:
            return None
        stored = store_matches(cur, merge([block.matches for block in read]), settled=settled)
        runs = runs_of(base, read)
        # Where the final height has no block (a null round), the one before it is final: runs are told from block to
        # block.
        final = max([stored_final, *(run.last for run in runs if run.last <= settlement.final)])
        moved = {CURSOR: runs[-1].last}
        if head is not None:
            moved[HEAD] = head
        if final > state.started.final:
            moved[FINAL] = final
        advance(cur, read, runs, moved, settled=settled)
        if final > state.started.final:
            note_final_blocks(cur, state.started.final, final)
            cur.execute(LET_GO, [final, settlement.keep_from])
        if settled:
            for run in runs:
                note_run(cur, run)
        if stored.unreadable_changed:
            refresh_summary(cur)
    return stored


def read_base(cur: Cur, base: int, final: int) -> tuple[State, bytes | None, int]:
    """The state, the hash of the base, and the highest stored block up to `final` (-1: none), in one reading."""
    row = cur.execute(BASE, {"keys": STATE_KEYS, "base": base, "final": final}).fetchone()
    assert row is not None
    values, base_hash, stored_final = row
    return state_of(values), base_hash, stored_final


def runs_of(base: Base, read: Sequence[HeadBlock]) -> list[Run]:
    """Heights between two blocks have none of their own: they were read with the upper one."""
    runs, below = [], base.number
    for header, matches, provenance in read:
        runs.append(Run(below + 1, header.number, *provenance, matches.pairs, matches.digest, base.watch_version))
        below = header.number
    return runs


def advance(
    cur: Cur, read: Sequence[HeadBlock], runs: Sequence[Run], moved: Mapping[str, int], *, settled: bool
) -> None:
    """Keep the headers, move the settings, and count the blocks by level, in one statement. A block that was read by
    itself says how."""
    levels: Counter[str] = Counter()
    for run in runs:
        levels[run.level.word] += run.last - run.first + 1
    values: dict[str, object] = {**moved, LEVELS: levels}
    cur.execute(
        ADVANCE,
        {
            **header_columns([block.header for block in read], None if settled else runs),
            "levels": LEVELS,
            "key": list(values),
            "value": [dumps(value) for value in values.values()],
        },
    )
    if cur.rowcount != len(values):
        raise LookupError(f"settings has not all of {', '.join(values)}: the schema's migrations are not applied")


def header_columns(headers: Sequence[Header], runs: Sequence[Run] | None) -> dict[str, object]:
    """The parameters of KEEP: a column each, the rows in the order of the headers."""
    none: list[None] = [None] * len(headers)
    return {
        "number": number_array([header.number for header in headers]),
        "hash": bytes_array([header.hash for header in headers]),
        "parent_hash": bytes_array([header.parent_hash for header in headers]),
        "timestamp": number_array([header.timestamp for header in headers]),
        "block_level": number_array([int(run.level) for run in runs] if runs else none),
        "endpoints": [" ".join(run.endpoints) for run in runs] if runs else none,
        "logs": number_array([run.logs for run in runs] if runs else none),
        "digest": number_array([run.digest for run in runs] if runs else none),
        "version": number_array([run.version for run in runs] if runs else none),
    }


def insert_header(cur: Cur, header: Header) -> None:
    """Keep a header that was not read by itself."""
    cur.execute(KEEP, header_columns([header], None))


def hash_at(cur: Cur, number: int) -> bytes | None:
    row = cur.execute("SELECT hash FROM blocks WHERE number = %s", [number]).fetchone()
    return row[0] if row else None


def known_hashes(cur: Cur, above: int, up_to: int) -> dict[int, bytes]:
    """Hashes of the blocks the latest loop has stored in (above, up_to], by number."""
    rows = cur.execute("SELECT number, hash FROM blocks WHERE number > %s AND number <= %s", [above, up_to])
    return dict(rows.fetchall())
