"""What other programs may use of the package: documented, importable without Django, and true."""

import subprocess
import sys
from pathlib import Path

import pytest

import indexer.positions
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.chains.registry import ChainError
from indexer.positions import chain_connections, pool_filter, watch_key
from tests.positions import lookup_rows as rows
from tests.processes import wait_until

FUNCTIONS = {"chain_connections", "pool_filter", "process_receipts", "token_event_mappings", "watch_key"}
ROOT = Path(__file__).resolve().parent.parent.parent


def eip55(number: int) -> str:
    return "0x" + rows.contract(number).hex()


def test_every_export_is_documented_where_it_is_exported() -> None:
    assert set(indexer.positions.__all__) >= FUNCTIONS
    lines = (indexer.positions.__doc__ or "").splitlines()
    described = {line.split()[0] for line in lines if line[:1].isalpha() and "  " in line}
    assert described == FUNCTIONS
    for name in FUNCTIONS:
        assert getattr(indexer.positions, name).__doc__


def test_what_needs_no_database_is_imported_without_django() -> None:
    code = (
        "import sys; from indexer.positions import process_receipts, token_event_mappings, watch_key;"
        "print(watch_key(bytes(20), bytes(32))); assert 'django' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"0x{'0' * 40}#0x{'0' * 64}"), done.stderr


def test_there_is_nothing_else_to_be_had() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        indexer.positions.nonsense  # noqa: B018


def test_a_watch_key_is_the_same_for_bytes_and_text() -> None:
    contract, topic0 = b"\xab" * 20, b"\xcd" * 32
    assert (
        watch_key(contract, topic0) == watch_key("0x" + "AB" * 20, "0x" + "Cd" * 32) == f"0x{'ab' * 20}#0x{'cd' * 32}"
    )


def test_a_pool_filter_names_pools_and_what_is_still_to_check(connection: Connection) -> None:
    rows.start(connection)
    job = rows.add_job(connection, rows.contract(1), metadata="tokenId")
    rows.add_job(connection, rows.contract(2))
    rows.add_job(connection, rows.contract(3), covered=False)
    connection.execute("INSERT INTO logs VALUES (%s, %s, 55)", [rows.USER, job])
    connection.execute("INSERT INTO log_metadata VALUES (%s, %s, 'tokenId', sha256('8'), '8', 55)", [rows.USER, job])
    rows.refresh(connection)
    found = pool_filter(rows.USER_EIP55.lower(), "hilltop")
    assert found.contracts == {eip55(1), eip55(3)}
    assert found.metadata == {eip55(1): {"tokenId": ["8"]}}
    assert (found.complete, found.as_of) == (False, 100)


def test_a_pool_filter_names_all_there_is_to_check_however_much(connection: Connection) -> None:
    rows.start(connection)
    connection.execute(
        "INSERT INTO jobs (contract_address, topic0, user_topic, enabled, retired, floor, covered, complete,"
        " unreadable, attempts) SELECT decode(lpad(to_hex(n), 40, '0'), 'hex'), %s, 2, true, false, 0, '{}', false,"
        " 0, 0 FROM generate_series(1, 2345) AS n",
        [bytes(32)],
    )
    rows.refresh(connection)
    found = pool_filter(rows.USER_EIP55, "hilltop")
    assert len(found.contracts) == 2345


def test_a_pool_filter_of_a_complete_chain_says_so(connection: Connection) -> None:
    rows.start(connection)
    rows.add_job(connection, rows.contract(1))
    rows.refresh(connection)
    found = pool_filter(rows.USER_EIP55, "hilltop")
    assert (found.contracts, found.complete) == (frozenset(), True)


def test_a_chain_never_indexed_has_no_block_and_everything_to_check(connection: Connection) -> None:
    rows.add_job(connection, rows.contract(1), covered=False)
    rows.refresh(connection)
    found = pool_filter(rows.USER_EIP55, "hilltop")
    assert found.contracts == {eip55(1)}
    assert (found.complete, found.as_of) == (False, None)


def test_an_unknown_chain_and_a_bad_address_are_refused(chain: Chain) -> None:
    with pytest.raises(ChainError, match="there is no chain 'attic'"):
        pool_filter(rows.USER_EIP55, "attic")
    with pytest.raises(ValueError, match="not an address"):
        pool_filter("0x12", "hilltop")


def test_connections_lead_into_each_chains_schema_and_are_closed(chains: list[Chain]) -> None:
    with chain_connections("seaside", "hilltop") as opened:
        assert {slug: opened[slug].execute("SHOW search_path").fetchone() for slug in opened} == {
            "seaside": ("chain_seaside",),
            "hilltop": ("chain_hilltop",),
        }
        kept = list(opened.values())
    assert all(connection.closed for connection in kept)


def test_an_unknown_chain_leaves_no_connection_open(chain: Chain, connection: Connection) -> None:
    count = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'footprint'"
    )
    before = connection.execute(count).fetchone()
    with pytest.raises(ChainError), chain_connections("hilltop", "attic"):
        pass
    # PostgreSQL forgets a closed connection a moment after it was closed.
    wait_until(lambda: connection.execute(count).fetchone() == before)
