"""Taking a chain out of a database and putting it into one: all its rows, of one moment, or none.

An export reads one snapshot and holds nobody up. An import builds the chain's schema anew beside the old one, under
the same transaction that takes the old one away: readers see either, whole.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import sql

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.registry import add_chain
from indexer.positions.archive import CHUNK, FORMAT, ArchiveError, Manifest, Reader, Writer
from indexer.positions.holding import lock_key
from indexer.positions.meter import LATEST
from indexer.positions.protocol.state import read_state

Tell = Callable[[str, int], None]
"""Is told the table in hand and how many of its bytes are done."""

Cur = psycopg.Cursor[Any]

# What a chain has is asked of the catalogue, so that a table that comes with a later migration cannot be forgotten.
TABLES = """
SELECT relname, ARRAY(SELECT attname::text FROM pg_attribute
                      WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                      ORDER BY attnum)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %s AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'django_migrations'
ORDER BY relname
"""
SEQUENCES = """
SELECT relname || '.' || attname, pg_get_serial_sequence(format('%%I.%%I', nspname, relname), attname)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %s AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
  AND pg_get_serial_sequence(format('%%I.%%I', nspname, relname), attname) IS NOT NULL
ORDER BY 1
"""
WORKERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
PLAIN = "SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'"
DROP_WAIT = "100ms"
"""How long one attempt to drop the old rows waits for a reader: others queue behind it, and the reader may itself wait
for what the attempt has locked already. PostgreSQL would find that after a second, and end either of the two."""
DROP_PAUSE = 0.1
DROP_PATIENCE = 200.0
"""Seconds after which readers are waited for no longer."""


def export_chain(chain: Chain, path: Path, tell: Tell) -> tuple[Manifest, str]:
    """Write all rows of a chain, as they are at this moment, to a new file; its manifest and digest.

    The chain's worker goes on meanwhile. Raises ArchiveError.
    """
    with (
        Writer(path) as writer,
        closing(connect(chain, application_name=f"footprint export {chain.slug}")) as source,
        source.transaction(),
        source.cursor() as cur,
    ):
        cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cur.execute(PLAIN)
        cursor = read_state(cur).cursor
        header = cur.execute("SELECT encode(hash, 'hex') FROM blocks WHERE number = %s", [cursor]).fetchone()
        schema = str(chain.schema_name)
        tables = {}
        for name, columns in cur.execute(TABLES, [schema]).fetchall():
            statement = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(schema, name), join(columns))
            with cur.copy(statement) as copy:
                tables[name] = writer.add(name, columns, telling(name, gather(copy), tell))
        manifest = Manifest(
            format=FORMAT,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            chain=str(chain.slug),
            chain_id=int(chain.chain_id),
            floor=int(chain.floor),
            migrations=applied_migrations(cur, schema),
            cursor=cursor,
            cursor_hash=header[0] if header else None,
            tables=tables,
            # Sequences know no snapshot: what they have given out since is lost to the copy, too.
            sequences={place: last_number(cur, sequence) for place, sequence in find_sequences(cur, schema)},
        )
        return manifest, writer.finish(manifest)


def import_chain(reader: Reader, tell: Tell, *, slug: str | None = None, replace: bool = False) -> Chain:
    """Put an exported chain into this database, in one transaction; the chain is added where it is missing.

    Raises ArchiveError when the file is not what it was, does not belong here, or would overwrite something.
    """
    manifest = reader.manifest
    chain: Chain | None
    try:
        with transaction.atomic():
            chain = Chain.objects.filter(slug=slug or manifest.chain).first()
            old = None if chain is None else put_aside(chain, manifest, replace=replace)
            if chain is None:
                chain, _ = add_chain(slug or manifest.chain, manifest.chain_id, manifest.floor)
            else:
                chain.create_schema(verbosity=0)
                Chain.objects.filter(pk=chain.pk).update(floor=manifest.floor)
                chain.floor = manifest.floor
            with connection.connection.cursor() as cur:
                take_lock(cur, chain)
                fill(cur, reader, str(chain.schema_name), tell)
            if old is not None:
                drop(old)
    except psycopg.errors.LockNotAvailable:
        raise ArchiveError("somebody writes to the chain and does not let go: nothing is changed, try again") from None
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise ArchiveError(f"{reader.path} does not fit: {str(error).splitlines()[0]}") from error
    return chain


def put_aside(chain: Chain, manifest: Manifest, *, replace: bool) -> str:
    """Give the chain's schema another name, which it will have for nobody else; that name."""
    if chain.chain_id != manifest.chain_id:
        raise ArchiveError(f"the file is of chain id {manifest.chain_id}, and {chain} is {chain.chain_id}")
    schema, aside = str(chain.schema_name), f"{chain.schema_name}_replaced"
    connection.ensure_connection()
    with connection.connection.cursor() as cur:
        take_lock(cur, chain)
        # Every writer of the protocol begins with a row of it; whoever only reads goes on.
        cur.execute("SELECT set_config('lock_timeout', %s, true)", [f"{settings.LOCK_TIMEOUT}s"])
        cur.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(schema, "settings")))
        if not replace and not is_empty(cur, schema):
            raise ArchiveError(f"{chain} has rows already: --replace takes the file's instead")
        cur.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(aside)))
    return aside


def take_lock(cur: Cur, chain: Chain) -> None:
    """Be the one that works on this chain, until the end of the transaction."""
    row = cur.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_key(chain, LATEST)]).fetchone()
    others = cur.execute(WORKERS, [f"footprint {chain.slug}"]).fetchone()
    if not (row and row[0]) or (others and others[0]):
        raise ArchiveError(f"a worker of {chain} is running: stop all of them first")


def is_empty(cur: Cur, schema: str) -> bool:
    """Whether the chain is as add_chain leaves it: nothing to watch, nothing read."""
    tables = [name for name, _ in cur.execute(TABLES, [schema]).fetchall() if name != "settings"]
    parts = [sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(schema, name)) for name in tables]
    row = cur.execute(sql.SQL("SELECT {}").format(sql.SQL(" OR ").join(parts))).fetchone()
    return row is not None and not row[0]


def fill(cur: Cur, reader: Reader, schema: str, tell: Tell) -> None:
    """Store the file's rows in fresh tables, and check them and everything about them."""
    manifest = reader.manifest
    here = applied_migrations(cur, schema)
    if manifest.migrations != here:
        raise ArchiveError(
            f"{reader.path} was made by tables of {manifest.migrations[-1] if manifest.migrations else 'no migration'},"
            f" and this code has {here[-1]}: import it with the code it was made by, then run manage.py migrate_schemas"
        )
    found = dict(cur.execute(TABLES, [schema]).fetchall())
    if {name: sorted(table.columns) for name, table in manifest.tables.items()} != {
        name: sorted(columns) for name, columns in found.items()
    }:
        raise ArchiveError(f"{reader.path} has other tables or columns than this database")
    cur.execute(PLAIN)
    for name, table in manifest.tables.items():
        place = sql.Identifier(schema, name)
        cur.execute(sql.SQL("DELETE FROM {}").format(place))  # settings has rows from the start
        with cur.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(place, join(table.columns))) as copy:
            for chunk in telling(name, reader.chunks(name), tell):
                copy.write(chunk)
        if cur.rowcount != table.rows:
            raise ArchiveError(f"{reader.path} is damaged: {name} has {cur.rowcount} rows, not {table.rows}")
        cur.execute(sql.SQL("ANALYZE {}").format(place))
    cur.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for numbered, sequence in find_sequences(cur, schema):
        last = manifest.sequences.get(numbered)
        cur.execute("SELECT setval(%s::regclass, %s, %s)", [sequence, last or 1, last is not None])
    # Whoever held a segment has read it for another database.
    cur.execute(
        sql.SQL("UPDATE {} SET owner = NULL, lease_until = NULL WHERE owner IS NOT NULL").format(
            sql.Identifier(schema, "segments")
        )
    )


def drop(schema: str) -> None:
    """Drop the schema that was put aside. Readers are waited for in short steps, for others queue behind us."""
    statement = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)).as_string(None)
    deadline = time.monotonic() + DROP_PATIENCE
    while True:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [DROP_WAIT])
                cursor.execute(statement)
                return
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
        if time.monotonic() > deadline:
            raise ArchiveError("somebody reads the chain's old rows and does not let go: nothing is changed, try again")
        time.sleep(DROP_PAUSE)


def applied_migrations(cur: Cur, schema: str) -> list[str]:
    """Those of the rooms that have their tables in each chain."""
    labels = [config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS]
    rows = cur.execute(
        sql.SQL("SELECT app || '.' || name FROM {} WHERE app = ANY(%s) ORDER BY 1").format(
            sql.Identifier(schema, "django_migrations")
        ),
        [labels],
    )
    return [name for (name,) in rows.fetchall()]


def find_sequences(cur: Cur, schema: str) -> list[tuple[str, str]]:
    """table.column and the sequence that numbers it."""
    return cur.execute(SEQUENCES, [schema]).fetchall()


def last_number(cur: Cur, sequence: str) -> int | None:
    row = cur.execute("SELECT pg_sequence_last_value(%s::regclass)", [sequence]).fetchone()
    return row[0] if row else None


def join(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def gather(rows: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """COPY gives single rows; digesting and packing are done by the megabyte."""
    chunk = bytearray()
    for row in rows:
        chunk += row
        if len(chunk) >= CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def telling(name: str, chunks: Iterable[bytes], tell: Tell) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        tell(name, done)
