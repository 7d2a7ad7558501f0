"""Fixtures for every test: chains of their own with real, committed tables on a real PostgreSQL."""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test.utils import setup_databases, teardown_databases
from django.utils.timezone import now
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from indexer.access.models import ApiKey, AuditEntry
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, EndpointLimits, TaughtRule, UnknownText, schema_of
from indexer.chains.storable import storable
from indexer.workers.live_values import web_values
from indexer.workers.models import LiveChange, LiveValue

pytest_plugins = ("tests.people",)
SLUGS = ("hilltop", "seaside")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tests that run in several processes tell of themselves in UTF-8, which what is logged by some of them is not."""
    report = yield
    report.sections = [(name, storable(text)) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """A test database with two chains, for marked and unmarked tests alike.

    pytest-django's own fixture makes one only for tests that it marks, and would leave the others the real database.
    """
    keep = django_db_keepdb and not django_db_createdb
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, keepdb=keep, aliases={"default": None})
        for number, slug in enumerate(SLUGS, 31337):
            if not Chain.objects.filter(slug=slug).exists():
                Chain(schema_name=schema_of(slug), slug=slug, chain_id=number).save(verbosity=0)
        AuditEntry.objects.all().delete()
    yield
    if not keep:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


@pytest.fixture
def chains(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Chain]]:
    """Two empty chains, and nobody with a key or login; what is written is committed, as the loops' writes are."""
    with django_db_blocker.unblock():
        found = [Chain.objects.get(slug=slug) for slug in SLUGS]
        for chain in found:
            empty(chain)
        yield found
        LiveChange.objects.update(rolls_back=None)
        for model in (AuditEntry, ApiKey, User, TaughtRule, UnknownText, LiveValue, LiveChange):
            model.objects.all().delete()


@pytest.fixture(autouse=True)
def _live_settings_of_this_test() -> None:
    """What the test before has read of live settings does not hold in this one."""
    web_values.forget()


@pytest.fixture
def chain(chains: list[Chain]) -> Chain:
    return chains[0]


@pytest.fixture
def connection(chain: Chain) -> Iterator[Connection]:
    with connect(chain) as connection:
        yield connection


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recorded real data."""
    folder = os.environ.get("FOOTPRINT_SHARED")
    if not folder:
        pytest.skip("FOOTPRINT_SHARED is not set: it names the folder of recorded blocks and watch lists")
    return Path(folder)


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A folder with a short name: a socket's path has its limits, and pytest's folders go beyond them."""
    folder = Path(tempfile.mkdtemp(prefix="fp-"))
    yield folder
    shutil.rmtree(folder)


TABLES = (
    "segments",
    "scan_jobs",
    "scans",
    "job_labels",
    "jobs",
    "logs",
    "log_metadata",
    "unreadable_logs",
    "blocks",
    "unsettled",
    "readings",
)
EMPTY_SETTINGS = """
UPDATE settings SET updated_at = now(), value = CASE key
    WHEN 'watch_version' THEN '0'
    WHEN 'rewind' THEN '{"count": 0, "ancestor": null}'
    WHEN 'levels' THEN '{}'
    WHEN 'left_version' THEN '0'
    WHEN 'coverage' THEN '{"complete": false, "check_also": [], "check_also_count": 0}'
    ELSE 'null' END::jsonb
"""


def empty(chain: Chain) -> None:
    """The chain as add_chain leaves it. DELETE, because TRUNCATE of small tables takes ten times as long."""
    with connect(chain) as connection, connection.transaction():
        for table in TABLES:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        connection.execute(EMPTY_SETTINGS)
    EndpointLimits.objects.filter(chain=chain).delete()
    Chain.objects.filter(pk=chain.pk).update(floor=0, created_at=now())
