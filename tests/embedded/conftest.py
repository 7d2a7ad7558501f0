"""A folder for PostgreSQL servers of the tests' own, and one in it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.embedded.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """With a blank and a quote in its path; as root the server's user must reach it."""
    folder = Path(tempfile.mkdtemp(prefix="foot print'"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A stopped server, whose cluster the tests of a module share."""
    server = EmbeddedPostgres(folder / "postgres")
    yield server
    server.stop()
