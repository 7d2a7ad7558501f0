"""Which reading a job's blocks rest on: never a stronger one than the one that has read them for it."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.positions.digest import MODULUS
from indexer.positions.evidence import Claim, Read, find_missing, read_evidence
from indexer.positions.spans import Span, unite

CLAIMED, AGREED, BLOOM, PROVED = range(4)
TOP = 30


def latest(first: int, last: int, level: int = PROVED, *, id: int = 1, logs: int | None = 5) -> Read:
    return Read(first, last, level, ("local-1",), logs, 7, "2026-01-01T00:00:00+00:00", None, 1, id)


def scanned(scan: int, first: int, last: int, level: int = CLAIMED, *, id: int = 1) -> Read:
    return Read(first, last, level, ("local-2",), 3, MODULUS - 1, "2026-01-02T00:00:00+00:00", scan, None, id)


def levels(reads: Iterable[Read]) -> list[tuple[int, int, int]]:
    return [(read.first, read.last, read.level) for read in reads]


CASES: dict[str, tuple[Claim, list[Read], list[int], list[tuple[int, int, int]]]] = {
    "what the latest loop has read from live_from on": (
        Claim([(0, 9)], 0, {}),
        [latest(0, 9)],
        [],
        [(0, 9, PROVED)],
    ),
    "a scan's part is a scan's, though the latest loop has read it for others": (
        Claim([(0, 9)], 5, {1: [(0, 4)]}),
        [scanned(1, 0, 4), latest(0, 9)],
        [],
        [(0, 4, CLAIMED), (5, 9, PROVED)],
    ),
    "the newest scan counts": (
        Claim([(0, 9)], None, {1: [(0, 9)], 2: [(4, 9)]}),
        [scanned(1, 0, 9, AGREED), scanned(2, 0, 9, CLAIMED)],
        [],
        [(0, 3, AGREED), (4, 9, CLAIMED)],
    ),
    "a scan that the job was never in does not count": (
        Claim([(0, 9)], None, {}),
        [scanned(1, 0, 9, PROVED)],
        [],
        [(0, 9, CLAIMED)],
    ),
    "a scan that a job has left may be the one: the weakest counts": (
        Claim([(0, 9)], None, {}),
        [scanned(1, 3, 5, CLAIMED), latest(0, 9)],
        [1],
        [(0, 2, PROVED), (3, 5, CLAIMED), (6, 9, PROVED)],
    ),
    "where nobody tells, it is one endpoint's word": (
        Claim([(0, 9)], 5, {}),
        [latest(5, 7)],
        [],
        [(0, 4, CLAIMED), (5, 7, PROVED), (8, 9, CLAIMED)],
    ),
    "nothing beyond what is covered": (Claim([(2, 3), (7, 7)], 0, {}), [latest(0, 9)], [], [(2, 3, 3), (7, 7, 3)]),
    "of the same loop the newer counts": (
        Claim([(0, 9)], 0, {}),
        [latest(0, 9, id=1), latest(3, 4, AGREED, id=2)],
        [],
        [(0, 2, PROVED), (3, 4, AGREED), (5, 9, PROVED)],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_block_rests_on_the_reading_that_was_for_the_job(
    case: tuple[Claim, list[Read], list[int], list[tuple[int, int, int]]],
) -> None:
    claim, reads, left, want = case
    assert levels(read_evidence(claim, reads, left)) == want


def test_a_part_of_a_reading_has_neither_its_count_nor_its_digest() -> None:
    [part] = read_evidence(Claim([(3, 9)], 0, {}), [latest(0, 9)])
    assert (part.first, part.last, part.logs, part.digest, part.endpoints) == (3, 9, None, None, ("local-1",))


def test_neighbours_of_one_kind_are_one_with_the_sums() -> None:
    [whole] = read_evidence(Claim([(0, 9)], None, {1: [(0, 9)]}), [scanned(1, 0, 4, id=1), scanned(1, 5, 9, id=2)])
    assert (whole.first, whole.last, whole.logs, whole.digest) == (0, 9, 6, MODULUS - 2)


def test_a_reading_cut_by_another_that_does_not_count_stays_whole() -> None:
    found = read_evidence(Claim([(0, 9)], None, {1: [(0, 9)]}), [scanned(1, 0, 9), latest(4, 5), scanned(2, 2, 7)])
    assert found == [scanned(1, 0, 9)]


spans = st.lists(st.tuples(st.integers(0, TOP), st.integers(0, 8)), max_size=4).map(
    lambda given: unite([[(first, first + length)] for first, length in given])
)
reads = st.lists(
    st.builds(
        lambda first, length, level, scan, number: Read(
            first, first + length, level, ("a",), 1, 1, None, scan, 1, number
        ),
        st.integers(0, TOP),
        st.integers(0, 9),
        st.integers(0, 3),
        st.sampled_from([None, 1, 2, 3]),
        st.integers(1, 10_000),
    ),
    max_size=8,
    unique_by=lambda read: read.id,
)


@given(
    covered=spans,
    live_from=st.none() | st.integers(0, TOP),
    needs=st.dictionaries(st.sampled_from([1, 2]), spans),
    given_=reads,
    left=st.sets(st.sampled_from([1, 2, 3])),
)
def test_every_covered_block_has_the_level_that_a_look_at_it_alone_gives(
    covered: list[Span], live_from: int | None, needs: dict[int, list[Span]], given_: list[Read], left: set[int]
) -> None:
    found = read_evidence(Claim(covered, live_from, needs), given_, left)
    by_block = {block: read.level for read in found for block in range(read.first, read.last + 1)}
    want = {}
    for first, last in covered:
        for block in range(first, last + 1):
            here = [read for read in given_ if read.first <= block <= read.last]
            of_latest = sorted((read for read in here if read.scan is None), key=lambda read: read.id)[-1:]
            if live_from is not None and block >= live_from:
                want[block] = of_latest[0].level if of_latest else 0
                continue
            own = [read for read in here if any(a <= block <= b for a, b in needs.get(read.scan or 0, ()))]
            if own:
                want[block] = max(own, key=lambda read: (read.scan or 0, read.id)).level
                continue
            perhaps = of_latest
            for scan in left - needs.keys():
                perhaps += sorted((read for read in here if read.scan == scan), key=lambda read: read.id)[-1:]
            want[block] = min((read.level for read in perhaps), default=0)
    assert by_block == want
    assert sum(read.last - read.first + 1 for read in found) == len(want), "ranges overlap"


@given(spans, st.integers(0, TOP), st.integers(-1, TOP + 9))
def test_what_is_missing_is_what_is_not_covered(covered: list[Span], floor: int, top: int) -> None:
    missing = {block for first, last in find_missing(covered, floor, top) for block in range(first, last + 1)}
    here = {block for first, last in covered for block in range(first, last + 1)}
    assert missing == set(range(floor, top + 1)) - here
