"""What the tables say of some blocks against what these blocks hold. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, TypeVar

from indexer.positions.definition import Definition
from indexer.positions.watch import Matches, Touch, Unreadable

Pair = tuple[bytes, int]
"""Address (20 bytes) and job: the key of a row of logs."""
Value = tuple[bytes, int, str, bytes]
"""Address, job, key and the SHA-256 of the value: the key of a row of log_metadata."""
Key = TypeVar("Key", Pair, Value)


class Claimed(NamedTuple):
    """A job and the runs of blocks (first, last) that it claims, in order and apart."""

    job: int
    definition: Definition
    blocks: tuple[tuple[int, int], ...]

    def holds(self, block: int) -> bool:
        return any(first <= block <= last for first, last in self.blocks)

    def within(self, first: int, last: int) -> "Claimed":
        """What is claimed of blocks `first` to `last` only."""
        parts = ((max(first, begins), min(last, ends)) for begins, ends in self.blocks)
        return self._replace(blocks=tuple(part for part in parts if part[0] <= part[1]))


@dataclass
class Expected:
    """What a run of blocks holds for who claims it: the touches of every row's key by block, and unreadable logs."""

    first: int
    last: int
    pairs: dict[Pair, dict[int, Touch]] = field(default_factory=dict)
    values: dict[Value, dict[int, Touch]] = field(default_factory=dict)
    unreadable: dict[tuple[int, int], Unreadable] = field(default_factory=dict)


class Rows(NamedTuple):
    """First block by key, of all rows that the expected ones or the run's blocks name, and the counts of unreadable
    logs by job and block of the run."""

    logs: Mapping[Pair, int]
    metadata: Mapping[Value, int]
    unreadable: Mapping[tuple[int, int], int]


@dataclass
class Differences:
    """`wrong` rows have a first block in which there is no such touch; `missing` touches have no row, or a later one.

    `lost`: jobs of wrong rows whose next touch lies behind the run, so that nobody knows it now. `readable` are blocks
    (job, block) whose unreadable logs are none.
    """

    wrong: dict[Pair, int] = field(default_factory=dict)
    wrong_metadata: dict[Value, int] = field(default_factory=dict)
    missing: list[Touch] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    readable: list[tuple[int, int]] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.wrong or self.wrong_metadata or self.missing or self.unreadable or self.readable)

    @property
    def blocks(self) -> set[int]:
        """The blocks in which something differs."""
        return {
            *self.wrong.values(),
            *self.wrong_metadata.values(),
            *(touch.block for touch in self.missing),
            *(row.block for row in self.unreadable),
            *(block for _, block in self.readable),
        }

    @property
    def jobs(self) -> set[int]:
        return {
            *(key[1] for key in self.wrong),
            *(key[1] for key in self.wrong_metadata),
            *self.short_of,
            *(job for job, _ in self.readable),
        }

    @property
    def short_of(self) -> set[int]:
        """The jobs that lack something which is there."""
        return {touch.job for touch in self.missing} | {row.job for row in self.unreadable}


def expect(matches: Matches, claims: Mapping[int, Claimed], first: int, last: int) -> Expected:
    """What a reading of blocks `first` to `last` must have left in the tables, for the blocks that each job claims."""
    expected = Expected(first, last)
    for touch in matches.touches:
        if is_claimed(claims, touch.job, touch.block):
            expected.pairs.setdefault((touch.address, touch.job), {}).setdefault(touch.block, touch)
            if touch.key is not None and touch.value is not None:
                of = (touch.address, touch.job, touch.key, sha256(touch.value.encode()).digest())
                expected.values.setdefault(of, {}).setdefault(touch.block, touch)
    for row in matches.unreadable:
        if is_claimed(claims, row.job, row.block):
            expected.unreadable[row.job, row.block] = row
    return expected


def compare(expected: Expected, rows: Rows, claims: Mapping[int, Claimed]) -> Differences:
    """Where the rows do not say what is expected of blocks that are claimed."""
    found = Differences()
    found.wrong = find_wrong(expected.pairs, rows.logs, expected, claims)
    found.wrong_metadata = find_wrong(expected.values, rows.metadata, expected, claims)
    found.missing = [
        *find_missing(expected.pairs, rows.logs, found.wrong),
        *find_missing(expected.values, rows.metadata, found.wrong_metadata),
    ]
    found.lost = {key[1] for key in found.wrong if key not in expected.pairs}
    found.lost |= {key[1] for key in found.wrong_metadata if key not in expected.values}
    found.unreadable = [row for key, row in expected.unreadable.items() if rows.unreadable.get(key) != row.count]
    found.readable = [
        key for key in rows.unreadable if key not in expected.unreadable and is_claimed(claims, key[0], key[1])
    ]
    return found


def find_wrong(
    expected: Mapping[Key, Mapping[int, Touch]],
    stored: Mapping[Key, int],
    run: Expected,
    claims: Mapping[int, Claimed],
) -> dict[Key, int]:
    return {
        key: block
        for key, block in stored.items()
        if run.first <= block <= run.last and is_claimed(claims, key[1], block) and block not in expected.get(key, ())
    }


def find_missing(
    expected: Mapping[Key, Mapping[int, Touch]], stored: Mapping[Key, int], wrong: Mapping[Key, int]
) -> Iterable[Touch]:
    for key, touches in expected.items():
        first = min(touches)
        if key not in stored or key in wrong or stored[key] > first:
            yield touches[first]


def is_claimed(claims: Mapping[int, Claimed], job: int, block: int) -> bool:
    claimed = claims.get(job)
    return claimed is not None and claimed.holds(block)
