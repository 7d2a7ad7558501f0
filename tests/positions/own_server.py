"""A PostgreSQL of the test's own, which it may stop, fill and set as it likes, with the chains of the tests in it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from indexer.chains.connections import Connection
from indexer.embedded.postgres import EmbeddedPostgres, default_server
from indexer.positions.protocol.state import CURSOR
from tests.positions.world import World, grow
from tests.processes import PATIENCE, database_url

NAME = "footprint"


@contextmanager
def own_server() -> Iterator[EmbeddedPostgres]:
    """It runs, and its database is a copy of the tests'."""
    # A short name: a socket's path has its limits.
    folder = Path(tempfile.mkdtemp(prefix="fp-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "pg")
    try:
        server.start()
        server.create_database(NAME)
        dump = folder / "dump"
        call(program("pg_dump"), "-Fc", "-f", dump, "-d", database_url())
        call(program("pg_restore"), "--exit-on-error", "-d", server.dsn(NAME), dump)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def program(name: str) -> str:
    """The client program that fits the tests' server."""
    found = shutil.which(name) if os.environ.get("DATABASE_URL") else str(default_server().program(name))
    assert found, f"{name} is not on PATH"
    return found


def call(*command: object) -> None:
    done = subprocess.run([*map(str, command)], text=True, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr


class Elsewhere:
    """The world of a test on a server of its own: while that is stopped nobody can look."""

    def __init__(self, world: World, server: EmbeddedPostgres) -> None:
        self.here = world
        self.server = server
        self.floor = world.floor

    @property
    def url(self) -> str:
        return self.server.dsn(NAME)

    @contextmanager
    def look(self) -> Iterator[World]:
        with self.connect() as connection:
            world = World(self.here.chain, self.here.evm, connection)
            world.floor = self.floor
            yield world

    def connect(self) -> Connection:
        return psycopg.connect(self.url, autocommit=True, options=f"-c search_path={self.here.chain.schema_name}")

    def grow(self, blocks: int) -> None:
        grow(self.here.evm, blocks)

    def at_head(self) -> bool:
        with self.look() as world:
            return bool(world.setting(CURSOR) == self.here.evm.head() and world.setting("coverage")["complete"])

    def check(self) -> None:
        """Nothing is lost and nothing is doubled."""
        with self.look() as world:
            world.check_end()
