"""GET /api/v1/chains/{chain}/jobs/{id}: all there is to say of one job."""

import pytest
from django.test import Client
from msgspec import to_builtins

from indexer.chains.connections import Connection
from indexer.positions.definition import Definition
from indexer.positions.jobs import write_event
from tests.positions.lookup_rows import add_job, contract, start, statements

JOBS = "/api/v1/chains/hilltop/jobs/"


def test_what_is_read_is_shown_whoever_has_read_it(client: Client, connection: Connection) -> None:
    job = add_job(connection, contract(1))
    connection.execute("UPDATE jobs SET covered = '{[10,20)}', live_from = 90 WHERE id = %s", [job])
    connection.execute("INSERT INTO scans (id, created_at) VALUES (1, now())")
    connection.execute("INSERT INTO scan_jobs (scan_id, job_id, need) VALUES (1, %s, '{[30,60)}')", [job])
    connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts) VALUES"
        " (1, 25, 39, 36, 0, 0), (1, 40, 59, 40, 0, 0)"
    )
    start(connection)
    answer = client.get(f"{JOBS}{job}").json()
    # The historic loop has finished 10 to 19, a scan is at 36, and the latest loop goes on from 90.
    assert answer["covered"] == [{"from": 10, "to": 19}, {"from": 30, "to": 35}, {"from": 90, "to": 100}]


def test_a_job_nobody_has_read_has_no_blocks(client: Client, connection: Connection) -> None:
    job = add_job(connection, contract(1), covered=False)
    answer = client.get(f"{JOBS}{job}").json()
    assert (answer["covered"], answer["live_from"], answer["state"]) == ([], None, "new")


def test_unreadable_logs_are_shown_with_their_reasons(client: Client, connection: Connection) -> None:
    job = add_job(connection, contract(1), unreadable=3)
    connection.execute(
        "INSERT INTO unreadable_logs (job_id, block_number, count, reason)"
        " VALUES (%s, 7, 2, 'no topic'), (%s, 5, 1, 'no data')",
        [job, job],
    )
    answer = client.get(f"{JOBS}{job}").json()
    assert answer["unreadable"] == 3
    assert answer["unreadable_blocks"] == [
        {"block": 5, "count": 1, "reason": "no data"},
        {"block": 7, "count": 2, "reason": "no topic"},
    ]


@pytest.mark.parametrize("job", ["0", "1", "2147483648", "9" * 30])
def test_a_job_that_is_not_there_is_a_404(client: Client, job: str) -> None:
    response = client.get(JOBS + job)
    assert response.status_code == 404
    assert "hilltop has no job" in response.json()["detail"]


def test_it_costs_one_statement(client: Client, connection: Connection) -> None:
    job = add_job(connection, contract(1))
    client.get(f"{JOBS}{job}")
    with statements() as sent:
        assert client.get(f"{JOBS}{job}").status_code == 200
    assert len(sent) == 1


@pytest.mark.parametrize(
    "event",
    [
        "Transfer",
        {"topic0": "0x" + "ab" * 32, "user_topic": 2},
        {"topic0": "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", "user_topic": 1},
        {"abi": "event Mint(address minter, uint256 amount)", "user": "minter"},
        {"abi": "event Mint(address minter, uint256 amount)", "user": "minter", "metadata": "amount"},
        {"abi": "event Deposit(bytes who)", "user": "who", "transform": "eth2-withdrawal-credentials"},
    ],
)
def test_an_event_is_written_as_watch_lists_write_it(event: object) -> None:
    read = Definition.from_event(contract(1), event)
    assert read is not None
    written = write_event(
        f"0x{read.topic0.hex()}", read.user_topic, read.abi, read.user_argument, read.metadata_argument, read.transform
    )
    assert to_builtins(written) == event
