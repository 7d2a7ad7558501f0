"""The commits of the latest loop: what a block touched, its header and the cursor, in one transaction."""

from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.protocol.coverage import refresh_coverage, refresh_summary
from indexer.positions.protocol.ledger import UNKNOWN, Provenance, Run, count_level, note_final_blocks, note_run
from indexer.positions.protocol.state import CURSOR, FINAL, Cur, Started, lock_state, put
from indexer.positions.protocol.store import Stored, store_matches
from indexer.positions.watch import Matches
from indexer.rpc import Header


class Base(NamedTuple):
    """What a batch was read on: the block before it and the set of live jobs it was matched against."""

    number: int
    hash: bytes
    watch_version: int


class Settlement(NamedTuple):
    """A newer final block, and the lowest header to keep below it."""

    final: int
    keep_from: int


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
    header: Header,
    matches: Matches,
    settlement: Settlement,
    *,
    settled: bool,
    provenance: Provenance = UNKNOWN,
) -> Stored | None:
    """Store the batch that ends with `header` and move the cursor there.

    `settled`: the whole batch is final, any number of blocks; otherwise it is one block whose parent is the base.
    `provenance`: what it was checked against.
    None, and nothing written, when the cursor or the jobs have changed since the batch was read: it is thrown away.
    """
    with connection.transaction(), connection.cursor() as cur:
        state = lock_state(cur)
        if (state.cursor, state.watch_version) != (base.number, base.watch_version):
            return None
        if hash_at(cur, base.number) != base.hash:
            return None
        stored = store_matches(cur, matches, settled=settled)
        read = Run(base.number + 1, header.number, *provenance, matches.pairs, matches.digest, base.watch_version)
        insert_header(cur, header, None if settled else read)
        count_level(cur, read.level, header.number - base.number)
        put(cur, CURSOR, header.number)
        settle(cur, state.started, settlement)
        if settled:
            note_run(cur, read)
        if stored.unreadable_changed:
            refresh_summary(cur)
    return stored


def settle(cur: Cur, state: Started, settlement: Settlement) -> None:
    """Let go of what only a reorg above the new final block would have needed.

    Where the final height has no block (a null round), the one before it is final: runs are told from block to block.
    """
    row = cur.execute("SELECT max(number) FROM blocks WHERE number <= %s", [settlement.final]).fetchone()
    if row is None or row[0] is None or row[0] <= state.final:
        return
    final = int(row[0])
    note_final_blocks(cur, state.final, final)
    put(cur, FINAL, final)
    cur.execute("DELETE FROM unsettled WHERE block_number <= %s", [final])
    cur.execute("DELETE FROM blocks WHERE number < %s", [settlement.keep_from])


def insert_header(cur: Cur, header: Header, read: Run | None = None) -> None:
    """Keep a header; `read` is how the latest loop read this block by itself."""
    how = [read.level, list(read.endpoints), read.logs, read.digest, read.version] if read else [None] * 5
    cur.execute(
        "INSERT INTO blocks (number, hash, parent_hash, timestamp, level, endpoints, log_count, digest, watch_version)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [header.number, header.hash, header.parent_hash, header.timestamp, *how],
    )


def hash_at(cur: Cur, number: int) -> bytes | None:
    row = cur.execute("SELECT hash FROM blocks WHERE number = %s", [number]).fetchone()
    return row[0] if row else None


def known_hashes(cur: Cur, above: int, up_to: int) -> dict[int, bytes]:
    """Hashes of the blocks the latest loop has stored in (above, up_to], by number."""
    rows = cur.execute("SELECT number, hash FROM blocks WHERE number > %s AND number <= %s", [above, up_to])
    return dict(rows.fetchall())
