"""A chain leaves a database in one file and comes back from it: all of it, or nothing; and its worker goes on."""

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from django.test import override_settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.registry import ChainError
from indexer.positions.archive import ArchiveError, Reader
from indexer.positions.lookup import lookup_answer
from indexer.positions.transfer import export_chain, import_chain
from tests.conftest import TABLES, empty
from tests.positions.world import A, B, C, World, grow
from tests.processes import PATIENCE, PROJECT, ChainWorker, backends, database_url, environment, manage, run, wait_until

EVERY_ANSWER = """
import json
from indexer.chains.connections import connect
from indexer.chains.registry import find_chain
from indexer.positions.lookup import lookup_answer
chain = find_chain("hilltop")
with connect(chain) as connection:
    rows = connection.execute("SELECT DISTINCT address FROM logs ORDER BY 1").fetchall()
for (address,) in rows:
    print(json.dumps(lookup_answer(address, [chain])))
"""


def quiet(what: str, done: int) -> None:
    """Nobody listens."""


@pytest.fixture
def filled(world: World) -> World:
    """A chain with two jobs done and one whose past is being read, and with blocks that are not yet final."""
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    world.import_list({C: "Transfer"}, source="later")
    world.latest().step()
    return world


@pytest.fixture
def file(filled: World, tmp_path: Path) -> Path:
    path = tmp_path / "hilltop.zip"
    export_chain(filled.chain, path, quiet)
    return path


def contents(chain: Chain) -> dict[str, list[str]]:
    """Every row of the chain as text."""
    with connect(chain) as connection:
        return {
            table: sorted(
                text
                for (text,) in connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
            )
            for table in (*TABLES, "settings")
        }


def answers(chain: Chain) -> list[str]:
    with connect(chain) as connection:
        rows = connection.execute("SELECT DISTINCT address FROM logs ORDER BY 1").fetchall()
    assert len(rows) > 5
    return [json.dumps(lookup_answer(address, [chain])) for (address,) in rows]


def restore(path: Path, **options: Any) -> Chain:
    with Reader(path) as reader:
        return import_chain(reader, quiet, **options)


def test_what_comes_back_is_what_left(filled: World, file: Path) -> None:
    rows, said = contents(filled.chain), answers(filled.chain)
    empty(filled.chain)
    chain = restore(file)
    assert contents(chain) == rows
    assert answers(chain) == said
    filled.settle()
    filled.check_truth()


def test_a_restored_backup_is_continued_exactly_though_the_chain_went_on_and_was_reorganized(
    filled: World, file: Path, tmp_path: Path
) -> None:
    exported_at = filled.setting("latest_block_processed")
    grow(filled.evm, 4)
    filled.settle()
    # The block of the export and some before it are not of the chain any more.
    filled.evm.reorg(6)
    grow(filled.evm, 3)
    filled.settle()
    filled.import_list({A: {"topic0": "0x" + "11" * 32, "user_topic": 1}}, source="after the export")
    assert restore(file, replace=True).slug == "hilltop"
    assert filled.setting("latest_block_processed") == exported_at
    with ChainWorker("hilltop", "--until-synced", url=filled.evm.url, log=tmp_path / "log") as worker:
        assert worker.wait() == 0, worker.said
        assert "blocks" in worker.said
    assert len(filled.jobs()) == 3
    filled.check_truth()


def test_rows_that_come_later_take_no_number_twice(filled: World, file: Path) -> None:
    filled.connection.execute("UPDATE segments SET owner = 'somebody', lease_until = now() + interval '1 hour'")
    restore(file, replace=True)
    held = filled.connection.execute("SELECT 1 FROM segments WHERE owner IS NOT NULL OR lease_until IS NOT NULL")
    assert not held.fetchall()
    before = set(filled.jobs().values())
    filled.import_list({bytes([0xDD]) * 20: "Transfer"}, source="more")
    assert len(before) == 3
    assert max(filled.jobs().values()) > max(before)
    filled.settle()
    filled.check_truth()


def test_lookups_and_imports_go_on_during_an_import(filled: World, file: Path) -> None:
    """Readers have the old rows until the end; what is written meanwhile waits, and is not lost."""
    more: list[Thread] = []
    asked: list[list[str]] = []
    grow(filled.evm, 3)
    filled.settle()
    said = answers(filled.chain)

    def watch_a_pool_more() -> None:
        with connect(filled.chain) as connection:
            filled.import_on(connection, {bytes([0xDD]) * 20: "Transfer"}, source="meanwhile")

    def ask(what: str, done: int) -> None:
        if not more:
            more.append(Thread(target=watch_a_pool_more))
            more[0].start()
        with connect(filled.chain) as reader:
            asked.append([table for (table,) in reader.execute("SELECT DISTINCT 'logs' FROM logs")])
        if what == "settings":
            thread = Thread(target=lambda: asked.append(answers(filled.chain)))
            thread.start()
            thread.join(PATIENCE)

    with Reader(file) as reader:
        import_chain(reader, ask, replace=True)
    more[0].join(PATIENCE)
    assert said in asked
    assert (bytes([0xDD]) * 20, 2) in filled.jobs()
    filled.settle()
    filled.check_truth()


@override_settings(LOCK_TIMEOUT=1)
def test_a_long_reader_is_waited_for_and_a_writer_that_does_not_end_is_not(filled: World, file: Path) -> None:
    rows = contents(filled.chain)
    with connect(filled.chain) as other:
        with other.transaction():
            other.execute("SELECT 1 FROM settings FOR UPDATE")
            with pytest.raises(ArchiveError, match="somebody writes to the chain"):
                restore(file, replace=True)
        assert contents(filled.chain) == rows
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM logs")
        end = Timer(1.5, other.rollback)
        end.start()
        restore(file, replace=True)
        assert end.finished.is_set()
    assert contents(filled.chain) == rows


def test_a_reader_of_many_tables_and_an_import_do_not_end_each_other(filled: World, file: Path) -> None:
    """A lookup takes the tables one by one, and so does what drops the old ones: in another order."""
    drops = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DROP SCHEMA%' AND wait_event_type = 'Lock'"
    with (
        psycopg.connect(database_url(), autocommit=True) as server,
        connect(filled.chain) as reader,
        ThreadPoolExecutor(1) as pool,
    ):

        def replace() -> None:
            restore(file, replace=True)
            django_connection.close()

        for table in ("settings", "logs", "jobs"):
            with reader.transaction():
                reader.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))
                replacing = pool.submit(replace)
                wait_until(lambda: server.execute(drops).fetchone() is not None)
                for other in (*TABLES, "settings"):
                    reader.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(other)))
            replacing.result(PATIENCE)


@pytest.fixture
def elsewhere() -> Iterator[dict[str, str]]:
    """The environment of processes on an empty database of the same server."""
    name = "footprint_elsewhere"
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
        yield environment({}) | {"DATABASE_URL": make_conninfo(database_url(), dbname=name)}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run_there(elsewhere: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=elsewhere, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_an_empty_database_answers_as_the_one_whose_worker_was_running(
    filled: World, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "hilltop.zip"
    with ChainWorker("hilltop", url=filled.evm.url, log=tmp_path / "log") as worker:
        wait_until(lambda: bool(filled.setting("latest_block_processed") == filled.evm.head()))
        growing = Thread(target=lambda: grow(filled.evm, 10))
        growing.start()
        said = run("export_chain", "hilltop", file)
        growing.join()
        wait_until(lambda: bool(filled.setting("latest_block_processed") == filled.evm.head()))
        assert worker.terminate() == 0
    run_there(elsewhere, "migrate_schemas", "--verbosity", "0")
    digest = said.splitlines()[-1]
    assert digest.startswith("digest ")
    assert run_there(elsewhere, "import_chain", str(file)).splitlines()[-1] == digest
    there = run_there(elsewhere, "shell", "-v", "0", "-c", EVERY_ANSWER)
    # The same moment here: the export itself, put back.
    restore(file, replace=True)
    assert there.splitlines() == answers(filled.chain)
    run_there(elsewhere | {"RPC_URLS_HILLTOP": filled.evm.url}, "run_chain_worker", "hilltop", "--until-synced")
    run("run_chain_worker", "hilltop", "--until-synced", urls={"hilltop": filled.evm.url})
    there = run_there(elsewhere, "shell", "-v", "0", "-c", EVERY_ANSWER)
    assert there.splitlines() == answers(filled.chain)
    filled.check_truth()


def test_a_running_worker_and_rows_that_would_be_lost_are_in_the_way(filled: World, file: Path, tmp_path: Path) -> None:
    rows = contents(filled.chain)
    with pytest.raises(ArchiveError, match="hilltop has rows already: --replace"):
        restore(file)
    with pytest.raises(ArchiveError, match=r"hilltop\.zip is there already"):
        export_chain(filled.chain, file, quiet)
    assert contents(filled.chain) == rows
    for options in ((), ("--only", "historic")):
        with ChainWorker("hilltop", *options, url=filled.evm.url, log=tmp_path / "log") as worker:
            wait_until(lambda: bool(backends(filled.connection, "hilltop")))
            with pytest.raises(ArchiveError, match="a worker of hilltop is running"):
                restore(file, replace=True)
            assert worker.terminate() == 0


def test_another_chain_s_file_is_refused(filled: World, file: Path) -> None:
    with pytest.raises(ArchiveError, match="the file is of chain id 31337, and seaside is 31338"):
        restore(file, slug="seaside", replace=True)
    with pytest.raises(ChainError, match="chain id 31337 is there already, as hilltop"):
        restore(file, slug="nowhere")
    assert not Chain.objects.filter(slug="nowhere").exists()


def test_a_file_of_other_migrations_is_refused(filled: World, file: Path) -> None:
    rows = contents(filled.chain)
    filled.connection.execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('positions', '9999_x', now())"
    )
    try:
        export_chain(filled.chain, file.with_name("later.zip"), quiet)
    finally:
        filled.connection.execute("DELETE FROM django_migrations WHERE name = '9999_x'")
    with pytest.raises(ArchiveError, match=r"made by tables of positions\.9999_x, and this code has positions\.0"):
        restore(file.with_name("later.zip"), replace=True)
    assert contents(filled.chain) == rows


def test_a_truncated_or_damaged_file_changes_nothing(filled: World, file: Path) -> None:
    """A flipped bit either lies where it means nothing, or is found; half an import there is never."""
    rows = contents(filled.chain)
    whole = file.read_bytes()
    chance = random.Random(7)
    damaged = file.with_name("damaged.zip")
    unnoticed = 0
    for place in [*(chance.randrange(len(whole)) for _ in range(10)), len(whole) - 1, len(whole) - 30]:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        with suppress(ArchiveError):
            restore(damaged, replace=True)
            unnoticed += 1
        assert contents(filled.chain) == rows
    assert unnoticed < 5
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        damaged.write_bytes(whole[:length])
        with pytest.raises(ArchiveError, match=r"damaged\.zip is (no export|damaged)"):
            restore(damaged, replace=True)
    assert contents(filled.chain) == rows


def test_a_foreign_file_is_one_sentence(filled: World, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("manifest.json", "{}")
        other.comment = b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of {}
    (tmp_path / "text").write_text("hello")
    for name, said in {
        "other.zip": "made by another version",
        "text": "is no export of a chain",
        "missing": "cannot be read: No such file or directory",
    }.items():
        with pytest.raises(ArchiveError, match=said):
            restore(tmp_path / name)
    done = manage("import_chain", tmp_path / "text")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_an_export_that_fails_leaves_no_file(filled: World, tmp_path: Path) -> None:
    def fail(what: str, done: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ArchiveError, match="cannot be written: No space left"):
        export_chain(filled.chain, tmp_path / "full.zip", fail)
    with pytest.raises(ArchiveError, match="cannot be written: No such file"):
        export_chain(filled.chain, tmp_path / "nowhere" / "file.zip", quiet)
    assert list(tmp_path.iterdir()) == []
