"""PostgreSQL is away when a worker starts, restarts under it, refuses it: the worker waits and goes on, and no longer
than it is told to."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from indexer.chains.outages import needs_a_person
from indexer.embedded.postgres import EmbeddedPostgres
from tests.conftest import TABLES
from tests.metrics import scrape, total, value
from tests.positions.own_server import NAME, Elsewhere, own_server
from tests.positions.world import A, B, World
from tests.processes import ChainWorker, manage, wait_until

SOON = 5.0
LOOP_STATE = "footprint_loop_state"


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[EmbeddedPostgres]:
    with own_server() as server:
        yield server


@pytest.fixture
def elsewhere(world: World, server: EmbeddedPostgres) -> Elsewhere:
    server.start()
    elsewhere = Elsewhere(world, server)
    with elsewhere.look() as there:
        for table in TABLES:
            there.connection.execute(f"DELETE FROM {table}")
        there.connection.execute(
            "UPDATE settings SET value = 'null' WHERE key IN ('latest_block_processed', 'final_block')"
        )
        there.import_list({A: "Transfer", B: "Transfer"})
    return elsewhere


def states(worker: ChainWorker) -> set[str]:
    samples = scrape(worker.metrics_url)
    return {dict(labels)["state"] for (name, labels), on in samples.items() if name == LOOP_STATE and on}


@pytest.mark.slow
def test_a_worker_waits_for_a_database_at_its_start_and_goes_on_through_a_restart(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    elsewhere.server.stop()
    with ChainWorker(
        "hilltop",
        "--metrics-port",
        "0",
        url=elsewhere.here.evm.url,
        log=tmp_path / "worker.log",
        database=elsewhere.url,
    ) as worker:
        worker.wait_until_it_says("the database is away, trying again")
        assert states(worker) == {"waiting for database"}
        assert value(scrape(worker.metrics_url), "footprint_database_up") == 0
        elsewhere.server.start()
        wait_until(elsewhere.at_head, 10, what=lambda: worker.said)
        wait_until(lambda: states(worker) == {"working"})
        assert value(scrape(worker.metrics_url), "footprint_database_up") == 1

        elsewhere.server.stop()
        worker.wait_until_it_says("the database is away, trying again: terminating connection", 10)
        wait_until(lambda: states(worker) == {"waiting for database"})
        assert value(scrape(worker.metrics_url), "footprint_database_up") == 0
        elsewhere.grow(3)
        elsewhere.server.start()
        wait_until(elsewhere.at_head, 10, what=lambda: worker.said)
        assert total(scrape(worker.metrics_url), "footprint_database_reconnects_total") >= 2
        assert worker.terminate(SOON) == 0
    assert "Traceback" not in worker.said
    elsewhere.check()


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 4])
def test_a_worker_in_the_midst_of_its_work_outlives_restarts(elsewhere: Elsewhere, tmp_path: Path, times: int) -> None:
    with ChainWorker(
        "hilltop", url=elsewhere.here.evm.url, log=tmp_path / "worker.log", database=elsewhere.url
    ) as worker:
        for _ in range(times):
            elsewhere.grow(2)
            elsewhere.server.stop()
            elsewhere.server.start()
        wait_until(elsewhere.at_head, 10, what=lambda: worker.said)
        assert worker.terminate(SOON) == 0
    assert "Traceback" not in worker.said
    elsewhere.check()


@pytest.mark.slow
def test_a_worker_that_waits_for_its_database_leaves_when_told_to(elsewhere: Elsewhere, tmp_path: Path) -> None:
    elsewhere.server.stop()
    options = {"url": elsewhere.here.evm.url, "database": elsewhere.url}
    with ChainWorker("hilltop", **options, log=tmp_path / "early.log") as early:  # type: ignore[arg-type]
        early.wait_until_it_says("the database is away, trying again")
        assert early.terminate(SOON) == 0
        assert "told to stop before it began" in early.said
    elsewhere.server.start()
    with ChainWorker("hilltop", **options, log=tmp_path / "late.log") as late:  # type: ignore[arg-type]
        wait_until(elsewhere.at_head)
        elsewhere.server.stop()
        # Each of the two loops has lost its connection, and then found nobody.
        wait_until(lambda: late.said.count("the database is away, trying again") >= 4, 10)
        began = time.monotonic()
        assert late.terminate(SOON) == 0
        assert time.monotonic() - began < SOON
        assert late.said.rstrip().endswith("has left in good order")


@pytest.mark.slow
def test_a_worker_leaves_at_once_while_a_host_does_not_answer(world: World, tmp_path: Path) -> None:
    """Connecting itself waits: nothing but SYN packets, or a proxy that takes the connection and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/{NAME}"
        with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log", database=url) as worker:
            connection, _ = silent.accept()
            with connection:
                assert worker.terminate(SOON) == 0
        assert "told to stop before it began" in worker.said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
        ({"user": "nobody_here"}, 'role "nobody_here" does not exist'),
    ],
)
def test_what_no_waiting_mends_is_a_misconfiguration(
    elsewhere: Elsewhere, change: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_conninfo(elsewhere.url, **change)
    monkeypatch.setattr("tests.processes.database_url", lambda: url)
    done = manage("run_chain_worker", "hilltop", urls={"hilltop": elsewhere.here.evm.url})
    assert done.returncode == 78, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert words in line
    assert line.endswith("check DATABASE_URL")


@pytest.mark.parametrize(
    ("words", "misconfigured"),
    [
        # as PostgreSQL 15 to 18, libpq and psycopg say them
        ('connection failed: FATAL:  password authentication failed for user "footprint"', True),
        ('FATAL:  Peer authentication failed for user "footprint"', True),
        ("fe_sendauth: no password supplied", True),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "f", database "f", no encryption', True),
        ('FATAL:  role "footprint" is not permitted to log in', True),
        ('FATAL:  permission denied for database "footprint"', True),
        ("connection failed: server does not support SSL, but SSL was required", True),
        ("SSL error: certificate verify failed", True),
        ("FATAL:  the database system is starting up", False),
        ("FATAL:  the database system is shutting down", False),
        ("FATAL:  the database system is in recovery mode", False),
        ("FATAL:  the database system is not yet accepting connections", False),
        ("FATAL:  sorry, too many clients already", False),
        ('FATAL:  too many connections for role "footprint"', False),
        ('FATAL:  too many connections for database "footprint"', False),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", False),
        ('FATAL:  database "footprint" is not currently accepting connections', False),
        ('connection to server at "127.0.0.1", port 5432 failed: Connection refused', False),
        ('could not translate host name "postgres" to address: Temporary failure in name resolution', False),
        ("[Errno -3] Temporary failure in name resolution", False),
        ("connection timeout expired", False),
        ("server closed the connection unexpectedly", False),
    ],
)
def test_refusals_to_connect_are_told_apart(words: str, misconfigured: bool) -> None:
    assert needs_a_person(words) is misconfigured


@pytest.mark.slow
def test_a_server_with_no_connection_to_spare_is_waited_for(elsewhere: Elsewhere, tmp_path: Path) -> None:
    with elsewhere.connect() as admin:
        admin.execute(f"ALTER DATABASE {NAME} CONNECTION LIMIT 2")
        # As any user but a superuser: those have no limit.
        admin.execute("DROP ROLE IF EXISTS plain")
        admin.execute("CREATE ROLE plain LOGIN")
        admin.execute("GRANT pg_read_all_data, pg_write_all_data TO plain")
        url = make_conninfo(elsewhere.url, user="plain")
        with (
            psycopg.connect(url),
            ChainWorker("hilltop", url=elsewhere.here.evm.url, log=tmp_path / "worker.log", database=url) as worker,
        ):
            worker.wait_until_it_says("too many connections for database")
            admin.execute(f"ALTER DATABASE {NAME} CONNECTION LIMIT -1")
            wait_until(elsewhere.at_head, 10, what=lambda: worker.said)
            assert worker.terminate(SOON) == 0
