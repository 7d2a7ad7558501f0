"""`rebuild_indexes` gives back what split pages hold, beside whoever writes, and only where it is worth it."""

from io import StringIO
from threading import Event, Thread

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.pairs import Pairs
from indexer.positions.protocol.bulk import store_pairs
from indexer.positions.rebuilding import LEFT_BEHIND, LOCK, measure_fullness

BATCHES, BATCH = 10, 3_000
WRITER = np.random.default_rng(9)


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("rebuild_indexes", "hilltop", *arguments, stdout=out)
    return out.getvalue().splitlines()


def write(connection: Connection, batches: int = 1) -> None:
    """Batches of addresses in no order, as they come from a chain."""
    for _ in range(batches):
        addresses = WRITER.integers(0, 256, (BATCH, 20), dtype=np.uint8)
        pairs = Pairs(addresses, WRITER.integers(1, 50, BATCH, dtype=np.int32), np.arange(BATCH))
        with connection.transaction(), connection.cursor() as cur:
            store_pairs(cur, pairs)


def begin(connection: Connection) -> None:
    # Others' rows have left their pages in the indexes.
    connection.execute("TRUNCATE logs")
    write(connection, BATCHES)


def test_split_pages_are_given_back_once(chain: Chain, connection: Connection) -> None:
    begin(connection)
    before = measure_fullness(connection)
    assert before.rows == BATCHES * BATCH
    assert 0.5 < before.entries < 0.77
    [*told, last] = run("--least", "0")
    assert told == ["hilltop: rebuilding logs_pkey", "hilltop: rebuilding logs_of_job"]
    assert last.startswith("hilltop: indexes of 30,000 rows: ")
    after = measure_fullness(connection)
    assert after.entries > 0.85
    assert after.size < 0.85 * before.size
    [said] = run("--least", "0")
    assert said.endswith("not worth rebuilding")
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.chain) == ("rebuild indexes", "hilltop")


def test_a_dry_run_and_a_small_index_change_nothing(chain: Chain, connection: Connection) -> None:
    begin(connection)
    before = measure_fullness(connection)
    assert run("--least", "0", "--dry-run")[0].endswith(", worth rebuilding")
    assert run()[0].endswith("not worth rebuilding")
    assert measure_fullness(connection) == before
    assert not AuditEntry.objects.exists()


def test_an_empty_chain_is_not_worth_it(chain: Chain, connection: Connection) -> None:
    connection.execute("TRUNCATE logs")
    assert run("--least", "0") == ["hilltop: indexes of 0 rows: 0 MB, key 0% full, not worth rebuilding"]


def test_rows_written_meanwhile_are_in_the_new_index(chain: Chain, connection: Connection) -> None:
    begin(connection)
    stop = Event()

    def go_on() -> None:
        with connect(chain) as writer:
            while not stop.is_set():
                write(writer)

    writer = Thread(target=go_on)
    writer.start()
    try:
        run("--least", "0")
    finally:
        stop.set()
        writer.join()
    connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    by_key = connection.execute("SELECT count(*) FROM (SELECT address FROM logs ORDER BY address, job_id) AS rows")
    counts = by_key.fetchall()
    connection.execute("SET enable_seqscan = on; SET enable_indexscan = off; SET enable_indexonlyscan = off")
    assert connection.execute("SELECT count(*) FROM logs").fetchall() == counts
    assert counts[0][0] > BATCHES * BATCH


def test_what_a_broken_off_rebuilding_left_is_removed(chain: Chain, connection: Connection) -> None:
    begin(connection)
    connection.execute("CREATE INDEX logs_pkey_ccnew ON logs (address, job_id)")
    mark = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'logs_pkey_ccnew'::regclass"
    assert connection.execute(mark).rowcount == 1
    run("--least", "0")
    assert connection.execute(LEFT_BEHIND, ["logs_pkey|logs_of_job"]).fetchall() == []


def test_two_at_once_are_refused(chain: Chain, connection: Connection) -> None:
    begin(connection)
    assert connection.execute(LOCK).fetchone() == (True,)
    with pytest.raises(CommandError, match="somebody else is rebuilding"):
        run("--least", "0")
