"""The list of jobs: search, filters, and that it stays fast with very many."""

import time

import pytest

from indexer.chains.connections import Connection
from tests.people import LogIn
from tests.positions.lookup_rows import add_job, contract, start

JOBS = "/admin/positions/job/"
MANY = 100_000
ADD_MANY = """
WITH added AS (
    INSERT INTO jobs (contract_address, topic0, user_topic, enabled, retired, floor, live_from, covered, complete,
                      unreadable, attempts)
    SELECT decode(lpad(to_hex(n), 40, '0'), 'hex'), decode(repeat('00', 32), 'hex'), 2, n %% 50 > 0, false, 0, 0, '{}',
           n %% 10 > 0, CASE WHEN n %% 1000 = 0 THEN 1 ELSE 0 END, 0
    FROM generate_series(1000, 999 + %s) AS n RETURNING id
)
INSERT INTO job_labels (job_id, source, protocol, product)
SELECT id, 'list', 'protocol-' || id %% 300, 'pool' FROM added
"""


@pytest.fixture
def jobs(connection: Connection) -> list[int]:
    start(connection)
    return [
        add_job(connection, contract(1), labels=[("list", "aave", "pool")]),
        add_job(connection, contract(2), labels=[("list", "curve", "pool"), ("other", "aave", "pool")], unreadable=3),
        add_job(connection, contract(3), covered=False),
        add_job(connection, contract(4), enabled=False),
        add_job(connection, contract(5), retired=True),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {1, 2, 3, 4, 5}),
        ("state=new", {3}),
        ("state=disabled", {4}),
        ("state=retired", {5}),
        ("state=put+aside", {1}),
        ("state=nonsense", set()),
        ("protocol=aave", {1, 2}),
        ("protocol=curve", {2}),
        ("trouble=error", {1}),
        ("trouble=unreadable", {2}),
        ("trouble=nonsense", {1, 2, 3, 4, 5}),
        ("protocol=aave&trouble=unreadable", {2}),
        ("q=0x0000000000000000000000000000000000000004", {4}),
        ("q=0X0000000000000000000000000000000000000004", {4}),
        ("q=0x0000000000000000000000000000000000000099", set()),
        ("q=aave", set()),
    ],
)
def test_filters_and_search_find_exactly_those(
    connection: Connection, jobs: list[int], log_in: LogIn, query: str, expected: set[int]
) -> None:
    connection.execute("UPDATE jobs SET error = 'no answer' WHERE id = %s", [jobs[0]])
    answer = log_in("viewer").get(f"{JOBS}?{query}")
    assert answer.status_code == 200
    contracts = {bytes(job.contract_address) for job in answer.context["cl"].result_list}
    assert contracts == {contract(number) for number in expected}


def test_a_job_is_found_by_its_number(jobs: list[int], log_in: LogIn) -> None:
    answer = log_in("viewer").get(f"{JOBS}?q={jobs[2]}")
    assert [job.pk for job in answer.context["cl"].result_list] == [jobs[2]]


@pytest.mark.parametrize("query", ["q=" + "9" * 60, "p=0", "p=99999", "p=x", "chain=seaside", "o=7"])
def test_bad_parameters_are_no_errors_of_the_server(jobs: list[int], log_in: LogIn, query: str) -> None:
    assert log_in("viewer").get(f"{JOBS}?{query}", follow=True).status_code == 200


@pytest.mark.slow
def test_a_hundred_thousand_jobs_are_listed_in_a_moment(connection: Connection, log_in: LogIn) -> None:
    start(connection)
    # A plan of this session that was made for a handful of jobs would read all of them for each label.
    connection.execute("DISCARD PLANS")
    connection.execute(ADD_MANY, [MANY])
    connection.execute("ANALYZE jobs, job_labels")
    client = log_in("viewer")
    took = {}
    for path in (
        JOBS,
        f"{JOBS}?p=1900",
        f"{JOBS}?state=disabled",
        f"{JOBS}?protocol=protocol-7",
        f"{JOBS}?trouble=unreadable",
        f"{JOBS}?q=0x00000000000000000000000000000000000003E8",
        "/admin/",
    ):
        client.get(path)
        before = time.perf_counter()
        answer = client.get(path)
        took[path] = time.perf_counter() - before
        assert answer.status_code == 200
        assert path == "/admin/" or len(answer.context["cl"].result_list) > 0
    print({path: f"{seconds * 1000:.0f} ms" for path, seconds in took.items()})
    assert max(took.values()) < 3, took
    page = client.get(JOBS)
    # An estimate, since no more than ten thousand are counted.
    assert MANY * 0.9 < page.context["cl"].result_count < MANY * 1.1
