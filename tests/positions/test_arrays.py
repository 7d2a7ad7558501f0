"""Array literals are what psycopg would have sent."""

import pytest

from indexer.chains.connections import Connection
from indexer.positions.protocol.arrays import bytes_array, number_array


@pytest.mark.parametrize("values", [[], [b""], [bytes(range(256)), None, b"\\"], [b'"', b"{},", None]])
def test_bytes(connection: Connection, values: list[bytes | None]) -> None:
    assert connection.execute("SELECT %s::bytea[]", [bytes_array(values)]).fetchone() == (values,)


@pytest.mark.parametrize("kind", ["bigint", "numeric"])
@pytest.mark.parametrize("values", [[], [0], [-1, None, 2**63 - 1]])
def test_numbers(connection: Connection, kind: str, values: list[int | None]) -> None:
    assert connection.execute(f"SELECT %s::{kind}[]", [number_array(values)]).fetchone() == (values,)
