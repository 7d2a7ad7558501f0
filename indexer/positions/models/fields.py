"""Column types that Django does not bring."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Int8Range


class DigestField(models.DecimalField):  # type: ignore[type-arg]  # generic only in the stubs
    """The sum of the digests of logs, below 2 ** 128: see indexer.positions.digest."""

    def __init__(self, **options: Any) -> None:
        options |= {"max_digits": 39, "decimal_places": 0}
        super().__init__(**options)


class BlockRangesField(models.Field):  # type: ignore[type-arg]  # generic only in the stubs
    """A set of block numbers as PostgreSQL's int8multirange; in Python an Int8Multirange of half-open ranges."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("default", Int8Multirange)
        super().__init__(**options)

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "int8multirange"

    def get_prep_value(self, value: Any) -> Any:
        return Int8Multirange([Int8Range(r.lower, r.upper, r.bounds) for r in value]) if value is not None else None
