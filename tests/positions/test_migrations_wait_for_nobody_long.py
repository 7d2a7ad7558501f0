"""Migrations beside running workers: a lock that somebody holds is given up soon, named, and got the next time."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from indexer.chains.connections import Connection, connect
from indexer.chains.management.commands.migrate_schemas import MIGRATING
from indexer.workers.management.commands.setup import SETTING_UP
from tests.positions.world import A, World, grow
from tests.processes import PATIENCE, PROJECT, ChainWorker, database_url, environment, manage, wait_until

SETTINGS = """
from config.settings import *
MIGRATION_MODULES = {"positions": "later_migrations"}
"""
LATER = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("positions", "%s")]
    operations = [
        migrations.RunSQL("LOCK TABLE logs IN ACCESS EXCLUSIVE MODE", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE jobs ADD COLUMN note text", "ALTER TABLE jobs DROP COLUMN note"),
    ]
"""
EXISTING = PROJECT / "indexer" / "positions" / "migrations"
NEWEST = max(path.stem for path in EXISTING.glob("0*.py"))


class Later:
    """The project as it may be one day: with one migration more, which needs locks that conflict with every other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock_timeout = "1"
        shutil.copytree(EXISTING, folder / "later_migrations")
        (folder / "later_migrations" / "9999_note.py").write_text(LATER % NEWEST)
        (folder / "later_settings.py").write_text(SETTINGS)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environ = environment({}) | {"DJANGO_SETTINGS_MODULE": "later_settings", "LOCK_TIMEOUT": self.lock_timeout}
        environ["PYTHONPATH"] = os.pathsep.join([str(self.folder), str(PROJECT)])
        command = [sys.executable, "manage.py", "migrate_schemas", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=PROJECT, env=environ, text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out + err


@pytest.fixture
def later(world: World, tmp_path: Path) -> Iterator[Later]:
    later = Later(tmp_path)
    yield later
    code, said = later.run("positions", NEWEST)
    assert code == 0, said


def has_column(connection: Connection) -> bool:
    rows = connection.execute(
        "SELECT 1 FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = 'jobs' AND column_name = 'note'"
    )
    return rows.fetchone() is not None


@pytest.mark.slow
def test_a_migration_gives_up_a_lock_and_gets_it_later_while_the_worker_goes_on(
    world: World, later: Later, tmp_path: Path
) -> None:
    def at_head() -> bool:
        return bool(world.setting("latest_block_processed") == world.evm.head())

    world.import_list({A: "Transfer"})
    with (
        ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log") as worker,
        connect(world.chain, application_name="a report of last year") as report,
    ):
        wait_until(at_head)
        with report.transaction():
            report.execute("SELECT count(*) FROM jobs")
            began = time.monotonic()
            code, said = later.run()
            took = time.monotonic() - began
            assert code == 1
            assert f"held by a report of last year (pid {report.info.backend_pid}, idle in transaction" in said
            assert "Nothing is half done" in said
            assert "Traceback" not in said
            assert said.count("trying again") == 2
            assert took < 15
            assert not has_column(world.connection)
            grow(world.evm, 3)
            wait_until(at_head)
        code, said = later.run()
        assert code == 0, said
        assert has_column(world.connection)
        grow(world.evm, 3)
        wait_until(at_head)
        assert worker.terminate() == 0
        assert "Error" not in worker.said
    world.settle()
    world.check_truth()


def test_a_migration_that_a_deadlock_ends_is_tried_again(world: World, later: Later) -> None:
    later.lock_timeout = "4"  # PostgreSQL looks for a deadlock after a second
    waits = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE jobs%' AND wait_event_type = 'Lock'"
    with psycopg.connect(database_url(), autocommit=True) as server, connect(world.chain) as reader:
        with reader.transaction():
            reader.execute("SELECT FROM jobs")
            process = later.start()
            wait_until(lambda: server.execute(waits).fetchone() is not None)
            reader.execute("SELECT FROM logs")
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert "trying again" in err
    assert has_column(world.connection)


def test_two_that_migrate_at_once_go_one_after_the_other(later: Later, world: World) -> None:
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        process = later.start("--plan")
        assert process.stderr is not None
        assert "another process applies migrations; waiting for it" in process.stderr.readline()
        assert process.poll() is None
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "positions.9999_note" in out


@pytest.mark.parametrize(
    ("command", "key"),
    [(["migrate_schemas", "--plan"], MIGRATING), (["setup", "--chains", "hilltop"], SETTING_UP)],
    ids=["migrate_schemas", "setup"],
)
def test_who_waits_for_a_migration_does_not_keep_it_waiting(
    world: World, tmp_path: Path, command: list[str], key: int
) -> None:
    log = tmp_path / "log"
    with psycopg.connect(database_url(), autocommit=True) as other, log.open("wb") as lines:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        waiting = subprocess.Popen(
            [sys.executable, "manage.py", *command], cwd=PROJECT, env=environment({}), stdout=lines, stderr=lines
        )
        try:
            wait_until(lambda: "waiting for it" in log.read_text())
            world.connection.execute("SET lock_timeout = '3s'")
            # It waits for every snapshot that is older than its own.
            world.connection.execute("CREATE INDEX CONCURRENTLY logs_by_block ON logs (first_block)")
        finally:
            world.connection.execute("DROP INDEX IF EXISTS logs_by_block")
            other.execute("SELECT pg_advisory_unlock(%s)", [key])
            assert waiting.wait(PATIENCE) == 0, log.read_text()


def test_a_worker_refuses_shared_tables_that_lack_a_migration(world: World) -> None:
    newest = "access", "0002_api_key_uses"
    with psycopg.connect(database_url(), autocommit=True) as shared:
        shared.execute("DELETE FROM public.django_migrations WHERE app = %s AND name = %s", newest)
        try:
            done = manage("run_chain_worker", "hilltop", urls={"hilltop": world.evm.url})
        finally:
            shared.execute("INSERT INTO public.django_migrations (app, name, applied) VALUES (%s, %s, now())", newest)
    assert done.returncode == 78
    assert (
        "the database has unapplied migrations (access.0002_api_key_uses): run manage.py migrate_schemas" in done.stderr
    )
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_command_on_tables_of_an_older_version_says_so(world: World) -> None:
    with psycopg.connect(database_url(), autocommit=True) as shared:
        shared.execute("ALTER TABLE chains_chain RENAME COLUMN floor TO bottom")
        try:
            done = manage("lookup", "0x" + "11" * 20)
        finally:
            shared.execute("ALTER TABLE chains_chain RENAME COLUMN bottom TO floor")
    assert done.returncode == 1
    assert "this code needs migrations" in done.stderr
    assert "run manage.py migrate_schemas" in done.stderr
    assert "Traceback" not in done.stderr
