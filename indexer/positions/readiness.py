"""Whether lookups can be answered as they should be, and if not: what stands in the way, why, and what to do."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, ProgrammingError, connections
from django.db.migrations.loader import MigrationLoader
from msgspec import Struct

from indexer.chains.models import Chain
from indexer.positions.stalls import find_stall
from indexer.positions.standing import Standing, read_standings
from indexer.positions.union import ask_each, schemas_of

log = logging.getLogger(__name__)

PUBLIC = "public"
WHOLE_FOR = 60.0
"""Seconds for which a schema that lacked no migration is not asked again; one that lacks some is asked every time."""

# No schema need exist: what is not there lacks everything.
PRESENT = """
SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = 'django_migrations' AND nspname = ANY(%s)
"""
# EXPLAIN: one reading of django_migrations, some eighty rows.
MISSING = """
SELECT {ordinal}, ARRAY(
    SELECT unnest(%(known)s::text[]) EXCEPT SELECT app || '.' || name FROM {schema}.django_migrations ORDER BY 1)
"""

KINDS = ("database", "migrations", "chain")


class Obstacle(Struct):
    """`kind` is one of KINDS; `about` the database, schema or chain."""

    kind: str
    about: str
    why: str
    remedy: str


class Readiness(NamedTuple):
    """Where the chains stand, as far as they could be read, and everything that is not as it should be."""

    standings: list[Standing]
    obstacles: list[Obstacle]

    @property
    def database(self) -> bool:
        """Whether the database answers that the workers write to."""
        return not any((found.kind, found.about) == ("database", "default") for found in self.obstacles)


class Readers:
    """Looks at everything; remembers which schemas are whole. Threads may share it: at worst two of them look twice.

    `read_chains` gives the chains, `forget_chains` makes it read them anew.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._whole: dict[str, float] = {}

    def look(
        self, read_chains: Callable[[], Sequence[Chain]], forget_chains: Callable[[], None], stalled_after: timedelta
    ) -> Readiness:
        obstacles = list(check_databases())
        if not Readiness([], obstacles).database:
            return Readiness([], obstacles)
        try:
            missing = self.missing_migrations([PUBLIC])
            if missing:
                return Readiness([], [*obstacles, *name_missing(missing)])
            standings = read_all(read_chains, forget_chains)
            missing = self.missing_migrations(schemas_of(read_chains()))
        except (OperationalError, InterfaceError) as error:
            return Readiness([], [*obstacles, blame_database("default", error)])
        obstacles += name_missing(missing)
        obstacles += [found for standing in standings if (found := check_chain(standing, stalled_after))]
        return Readiness(standings, obstacles)

    def missing_migrations(self, schemas: Sequence[str]) -> dict[str, list[str]]:
        """By schema, the migrations it lacks of those that this code brings; only schemas that lack some."""
        now = self._clock()
        asked = [schema for schema in schemas if now - self._whole.get(schema, float("-inf")) >= WHOLE_FOR]
        if not asked:
            return {}
        with connections["default"].cursor() as cursor:
            cursor.execute(PRESENT, [asked])
            present = tuple(schema for (schema,) in cursor.fetchall())
        known = known_migrations()
        missing = dict.fromkeys(asked, known)
        rows = ask_default(MISSING, present, {"known": known})
        missing |= {schema: names for schema, (names,) in zip(present, rows, strict=True)}
        self._whole |= {schema: now for schema, names in missing.items() if not names}
        return {schema: names for schema, names in missing.items() if names}


@cache
def known_migrations() -> list[str]:
    """Every migration that this code brings, such as positions.0002_settings. Each schema records all of them."""
    found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    # A squashed migration is recorded under the names it replaces, too.
    return sorted(f"{app}.{name}" for (app, name), migration in found.items() if not migration.replaces)


def check_databases() -> Iterator[Obstacle]:
    for alias in dict.fromkeys(("default", settings.READ_DATABASE)):
        try:
            connections[alias].close_if_health_check_failed()
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
        except (OperationalError, InterfaceError) as error:
            yield blame_database(alias, error)


def blame_database(alias: str, error: Error) -> Obstacle:
    # What psycopg says names host and user: it is for the log only.
    log.error("the database %s does not answer: %s", alias, str(error).strip())
    setting = "DATABASE_REPLICA_URL" if alias == "replica" else "DATABASE_URL"
    return Obstacle(
        "database",
        alias,
        "it does not answer",
        f"see that the PostgreSQL of {setting} runs and takes connections; the log has its words",
    )


def name_missing(missing: dict[str, list[str]]) -> Iterator[Obstacle]:
    for schema, names in missing.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Obstacle("migrations", schema, f"lacks {some}", "run manage.py migrate_schemas")


def read_all(read_chains: Callable[[], Sequence[Chain]], forget_chains: Callable[[], None]) -> list[Standing]:
    """Where all chains stand; without those whose tables are not as this code knows them."""
    try:
        return read_standings(ask_default, read_chains())
    except ProgrammingError:
        forget_chains()
    standings = []
    for chain in read_chains():
        try:
            standings += read_standings(ask_default, [chain])
        except ProgrammingError as error:
            log.error("%s: where it stands cannot be read: %s", chain, str(error).strip())
    return standings


def ask_default(part: str, schemas: tuple[str, ...], parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Of the database that the workers write to: a replica that lags is no stalled chain."""
    return ask_each(part, schemas, parameters, using="default")


def check_chain(standing: Standing, stalled_after: timedelta) -> Obstacle | None:
    """A chain whose worker does not get on; what is merely degraded stands in nobody's way."""
    stall = find_stall(standing, stalled_after)
    if stall is None or stall.level != "unhealthy":
        return None
    return Obstacle("chain", str(standing.chain.slug), stall.why, stall.remedy)
