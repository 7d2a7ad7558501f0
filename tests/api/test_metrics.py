"""GET /metrics of the web server: chains from the database, and an answer whatever the database does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as django_connection
from django.test import Client

from api.health import Ready
from api.metrics import Metrics
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.readiness import Readers, ask_default
from indexer.positions.standing import JobCounts, read_standings
from indexer.workers.states import State
from tests.api.outages import no_database
from tests.metrics import Samples, parse, value
from tests.positions import lookup_rows as rows
from tests.positions.lookup_rows import statements
from tests.workers.rows import runtime, tell

__all__ = ["runtime"]


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ready, "readers", Readers())
    monkeypatch.setattr(Metrics, "counts", JobCounts(ask_default))


@pytest.fixture
def running(chains: list[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            rows.start(connection)


def ask(client: Client) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    return parse(response.content.decode())


def of(samples: Samples, name: str, chain: str = "hilltop", **labels: str) -> float | None:
    return value(samples, f"footprint_chain_{name}", chain=chain, **labels)


@pytest.mark.usefixtures("running")
def test_a_chain_shows_where_it_stands(client: Client, connection: Connection) -> None:
    expected = {
        "head_block": 102,
        "processed_block": 100,
        "final_block": 90,
        "lag_blocks": 2,
        "complete": 1,
        "stalled": 0,
        "reorgs_total": 0,
    }
    samples = ask(client)
    assert {name: of(samples, name) for name in expected} == expected
    now = datetime.now(UTC).timestamp()
    assert of(samples, "lag_seconds") == pytest.approx(now - rows.TIMESTAMP, abs=60)
    assert of(samples, "processed_timestamp_seconds") == pytest.approx(now, abs=60)
    assert of(samples, "head_block", "seaside") == 102
    assert value(samples, "footprint_database_up") == value(samples, "footprint_ready") == 1
    for kind in ("database", "migrations", "chain"):
        assert value(samples, "footprint_obstacles", kind=kind) == 0


@pytest.mark.usefixtures("running")
def test_jobs_are_counted_by_status(client: Client, connection: Connection) -> None:
    for number, options in enumerate(
        [{}, {}, {"unreadable": 7}, {"covered": False}, {"enabled": False}, {"retired": True}], 1
    ):
        rows.add_job(connection, rows.contract(number), **options)  # type: ignore[arg-type]
    connection.execute("UPDATE jobs SET error = 'refused' WHERE contract_address = %s", [rows.contract(2)])
    rows.refresh(connection)
    samples = ask(client)
    counts = {"new": 1, "pending": 0, "complete": 2, "put aside": 1, "disabled": 1, "retired": 1}
    assert {status: of(samples, "jobs", status=status) for status in counts} == counts
    assert of(samples, "unreadable_logs") == 7
    assert of(samples, "complete") == 0
    assert sum(of(samples, "jobs", "seaside", status=status) or 0 for status in counts) == 0


@pytest.mark.usefixtures("running")
def test_the_past_is_counted_over_open_scans_only(client: Client, connection: Connection) -> None:
    for finished, cursor in (("now()", 100), ("NULL", 30)):
        connection.execute(
            f"WITH scan AS (INSERT INTO scans (created_at, finished_at) VALUES (now(), {finished}) RETURNING id)"
            " INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
            " SELECT id, 0, 99, %s, 0, 0 FROM scan",
            [cursor],
        )
    samples = ask(client)
    assert (of(samples, "historic_blocks"), of(samples, "historic_blocks_left")) == (100, 70)
    assert of(samples, "historic_progress_ratio") == pytest.approx(0.3)
    assert of(samples, "historic_progress_ratio", "seaside") == 1


def test_a_chain_that_never_started_has_no_blocks_and_stalls_in_time(client: Client) -> None:
    for slug, hours in (("hilltop", 0), ("seaside", 1)):
        Chain.objects.filter(slug=slug).update(created_at=datetime.now(UTC) - timedelta(hours=hours))
    samples = ask(client)
    assert of(samples, "processed_block") is of(samples, "lag_blocks") is of(samples, "lag_seconds") is None
    assert (of(samples, "stalled"), of(samples, "stalled", "seaside")) == (0, 1)
    assert value(samples, "footprint_ready") == 0
    assert value(samples, "footprint_obstacles", kind="chain") == 1


@pytest.mark.usefixtures("running")
def test_without_its_database_the_answer_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(client)
    with no_database(monkeypatch):
        samples = ask(client)
    assert value(samples, "footprint_database_up") == value(samples, "footprint_ready") == 0
    assert value(samples, "footprint_obstacles", kind="database") == 1
    assert of(samples, "head_block") is None
    assert value(samples, "process_start_time_seconds")
    assert value(ask(client), "footprint_database_up") == 1


@pytest.mark.usefixtures("running")
def test_a_chain_without_its_tables_does_not_hide_the_others(client: Client) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA chain_seaside RENAME TO elsewhere")
        try:
            samples = ask(client)
        finally:
            cursor.execute("ALTER SCHEMA elsewhere RENAME TO chain_seaside")
    assert (of(samples, "head_block"), of(samples, "head_block", "seaside")) == (102, None)
    assert value(samples, "footprint_obstacles", kind="migrations") == 1


@pytest.mark.usefixtures("running")
def test_jobs_are_counted_again_only_when_coverage_has_changed(client: Client, connection: Connection) -> None:
    ask(client)
    with statements() as sent:
        ask(client)
    usual = len(sent)
    rows.add_job(connection, rows.contract(1))
    rows.refresh(connection)
    with statements() as sent:
        samples = ask(client)
    assert len(sent) == usual + 1
    assert of(samples, "jobs", status="complete") == 1


@pytest.mark.usefixtures("running")
def test_what_coverage_does_not_tell_is_counted_again_in_time(connection: Connection) -> None:
    now = 0.0
    counts = JobCounts(ask_default, clock=lambda: now)
    chain = Chain.objects.get(slug="hilltop")

    def unreadable() -> int:
        return counts.read(read_standings(ask_default, [chain]))[0].unreadable

    job = rows.add_job(connection, rows.contract(1))
    assert unreadable() == 0
    connection.execute("UPDATE jobs SET unreadable = 3 WHERE id = %s", [job])
    now = 59.0
    assert unreadable() == 0
    now = 61.0
    assert unreadable() == 3


@pytest.mark.usefixtures("running")
def test_every_worker_shows_its_state_and_its_figures(client: Client, runtime: Connection) -> None:
    worker = {"worker": "prices", "kind": "prices"}
    figures = {"restarts": 2, "error_rate": 0.75, "items_per_minute": 5.5, "latency": 0.25, "lag": 9.0, "memory": 7_000}
    run = datetime(2026, 11, 27, tzinfo=UTC)
    tell(runtime, "prices", kind="prices", last_run_at=run, needs_person="see its log", **figures)
    tell(runtime, "worker-hilltop", said="starting")
    samples = ask(client)
    states = {state: value(samples, "footprint_worker_state", **worker, state=state) for state in State}
    assert states == {state: float(state is State.DEGRADED) for state in State}
    expected = {
        "healthy": 0,
        "needs_person": 1,
        "restarts": 2,
        "memory_bytes": 7_000,
        "error_ratio": 0.75,
        "items_per_minute": 5.5,
        "latency_seconds": 0.25,
        "lag_seconds": 9,
        "last_run_timestamp_seconds": run.timestamp(),
    }
    assert {name: value(samples, f"footprint_worker_{name}", **worker) for name in expected} == expected
    other = {"worker": "worker-hilltop", "kind": "chain"}
    assert value(samples, "footprint_worker_healthy", **other) == 1
    for name in ("latency_seconds", "lag_seconds", "last_run_timestamp_seconds"):
        assert value(samples, f"footprint_worker_{name}", **other) is None


@pytest.mark.usefixtures("running")
def test_the_servers_own_requests_are_counted(client: Client) -> None:
    client.get("/health/live")
    samples = ask(client)
    assert sum(number for (name, _), number in samples.items() if name == "django_http_responses_total_by_status_total")


def test_openmetrics_is_spoken_to_those_who_ask_for_it(client: Client) -> None:
    response = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert response["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.content.endswith(b"# EOF\n")
