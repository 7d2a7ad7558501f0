"""Rows for tests of what users read: a chain's state by the protocol's own functions, jobs and logs by plain SQL."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from django.db import connection as django_connection

from indexer.chains.connections import Connection
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.head import start_chain
from indexer.positions.protocol.state import CURSOR, put
from indexer.positions.protocol.state import note_head as note_head
from indexer.rpc import Header

USER = bytes.fromhex("d8da6bf26964af9d7eed9e03e53415d37aa96045")
USER_EIP55 = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
TOPIC0 = bytes(32)
HASH = bytes([0xAB]) * 32
TIMESTAMP = 1_700_000_000


def start(connection: Connection, *, final: int = 90, cursor: int = 100, head: int = 102) -> None:
    """A chain whose worker has gone from final to the cursor."""
    start_chain(connection, Header(final, bytes(32), bytes(32), TIMESTAMP - 120))
    if cursor != final:
        connection.execute("INSERT INTO blocks VALUES (%s, %s, %s, %s)", [cursor, HASH, bytes(32), TIMESTAMP])
        with connection.transaction(), connection.cursor() as cur:
            put(cur, CURSOR, cursor)
    note_head(connection, head)
    refresh(connection)


def refresh(connection: Connection) -> None:
    with connection.transaction(), connection.cursor() as cur:
        refresh_coverage(cur)


def contract(number: int) -> bytes:
    return number.to_bytes(20, "big")


def add_job(
    connection: Connection,
    address: bytes,
    *,
    user_topic: int = 2,
    labels: Sequence[tuple[str, str, str]] = (("list", "uniswap", "v2"),),
    metadata: str | None = None,
    covered: bool = True,
    enabled: bool = True,
    retired: bool = False,
    unreadable: int = 0,
) -> int:
    """A job with (source, protocol, product) labels; `covered`: the latest loop has it from its floor on."""
    row = connection.execute(
        "INSERT INTO jobs (contract_address, topic0, user_topic, metadata_argument, enabled, retired, floor, live_from,"
        " covered, complete, unreadable, attempts) VALUES (%s, %s, %s, %s, %s, %s, 0, %s, '{}', false, %s, 0)"
        " RETURNING id",
        [address, TOPIC0, user_topic, metadata, enabled, retired, 0 if covered else None, unreadable],
    ).fetchone()
    assert row is not None
    for label in labels:
        connection.execute(
            "INSERT INTO job_labels (job_id, source, protocol, product) VALUES (%s, %s, %s, %s)", [row[0], *label]
        )
    return int(row[0])


def add_log(connection: Connection, job: int, first_block: int, *, address: bytes = USER) -> None:
    connection.execute(
        "INSERT INTO logs (address, job_id, first_block) VALUES (%s, %s, %s)", [address, job, first_block]
    )


def add_metadata(connection: Connection, job: int, key: str, *values: str, address: bytes = USER) -> None:
    for value in values:
        connection.execute(
            "INSERT INTO log_metadata (address, job_id, key, value_sha256, value, first_block)"
            " VALUES (%s, %s, %s, %s, %s, 1)",
            [address, job, key, sha256(value.encode()).digest(), value],
        )


@contextmanager
def statements() -> Iterator[list[str]]:
    """What Django's connection sends meanwhile."""
    sent: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    with django_connection.execute_wrapper(note):
        yield sent
