"""Which reading each block of a job rests on. Pure: blocks are numbers, ranges have both ends included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from indexer.positions.digest import MODULUS
from indexer.positions.spans import Span


class Read(NamedTuple):
    """Blocks `first` to `last` as they were read once: by a scan, or without one by the latest loop.

    `level` is a Level, weakest 0; `endpoints` labels; `logs` and `digest` None where they are not known any more, or
    are those of more or fewer blocks; `read_at` in ISO 8601, None where that is not kept. Of two readings by the same
    loop the one with the higher `id` is newer. `version`: the set of jobs, of the latest loop.
    """

    first: int
    last: int
    level: int = 0
    endpoints: tuple[str, ...] = ()
    logs: int | None = None
    digest: int | None = None
    read_at: str | None = None
    scan: int | None = None
    version: int | None = None
    id: int = 0


class Claim(NamedTuple):
    """What a job says is read of it: `covered` in order and apart from each other.

    From `live_from` on the latest loop has read it. Before that every scan has whose `needs`, by scan, name the block.
    """

    covered: Sequence[Span]
    live_from: int | None
    needs: Mapping[int, Sequence[Span]]


def read_evidence(claim: Claim, reads: Sequence[Read], left: Collection[int] = ()) -> list[Read]:
    """What the covered blocks rest on, in order and without a gap within a range; neighbours of one kind are joined.

    Of several scans that read a block for the job the newest counts. Where none is known to have, the latest loop read
    it before the job was last taken up, or one of the scans `left` before the job left it. Nobody knows any more which:
    the weakest of them counts, without count and digest. What no reading tells of was read before there were any: it
    is one endpoint's word.
    """
    beginning = claim.live_from
    below, above = list[Span](), list[Span]()
    for first, last in claim.covered:
        if beginning is None or last < beginning:
            below.append((first, last))
        elif first >= beginning:
            above.append((first, last))
        else:
            below.append((first, beginning - 1))
            above.append((beginning, last))
    latest = [(read.first, read.last, read) for read in reads if read.scan is None]
    sure = [
        (max(first, read.first), min(last, read.last), read)
        for read in reads
        if read.scan is not None
        for first, last in claim.needs.get(read.scan, ())
        if first <= read.last and read.first <= last
    ]
    unsure = latest + [
        (read.first, read.last, read) for read in reads if read.scan in left and read.scan not in claim.needs
    ]
    pieces = [(first, last, decide(found, claim.needs)) for first, last, found in cut(below, sure + unsure)]
    pieces += [(first, last, decide(found)) for first, last, found in cut(above, latest)]
    return join(limit(pieces))


def cut(spans: Iterable[Span], given: Iterable[tuple[int, int, Read]]) -> Iterator[tuple[int, int, list[Read]]]:
    """The spans in order, in pieces at whose every block the same readings are to be had."""
    edges: dict[int, int] = defaultdict(int)
    for first, last in spans:
        edges[first] += 1
        edges[last + 1] -= 1
    begins: dict[int, list[tuple[int, int, Read]]] = defaultdict(list)
    bounds = set(edges)
    for first, last, read in given:
        begins[first].append((first, last, read))
        bounds |= {first, last + 1}
    inside, active = 0, list[tuple[int, int, Read]]()
    for block, following in pairwise(sorted(bounds)):
        inside += edges.get(block, 0)
        active = [part for part in active if part[1] >= block] + begins.get(block, [])
        if inside:
            yield block, following - 1, [read for _, _, read in active]


def decide(found: Sequence[Read], known: Collection[int] = ()) -> Read | None:
    """The newest of the scans `known` to have read for the job; else the newest of each loop, or what holds whichever
    of them it was."""
    sure = [read for read in found if read.scan in known]
    if sure:
        return max(sure, key=lambda read: (read.scan or 0, read.id))
    newest: dict[int | None, Read] = {}
    for read in found:
        if read.scan not in newest or newest[read.scan].id < read.id:
            newest[read.scan] = read
    if len(newest) < 2:
        return next(iter(newest.values()), None)
    labels = {label for read in newest.values() for label in read.endpoints}
    return Read(0, -1, min(read.level for read in newest.values()), tuple(sorted(labels)))


def limit(pieces: Iterable[tuple[int, int, Read | None]]) -> Iterator[Read]:
    """Pieces of one reading as one; what is less than the whole of it has neither its count nor its digest."""
    whole: list[tuple[int, int, Read | None]] = []
    for first, last, read in pieces:
        if whole and whole[-1][1] + 1 == first and whole[-1][2] == read:
            whole[-1] = (whole[-1][0], last, read)
        else:
            whole.append((first, last, read))
    for first, last, read in whole:
        if read is None:
            yield Read(first, last)
        elif (first, last) == (read.first, read.last):
            yield read
        else:
            yield read._replace(first=first, last=last, logs=None, digest=None)


def join(reads: Iterable[Read]) -> list[Read]:
    """Neighbours of one loop, one set of jobs and one kind as one."""
    joined: list[Read] = []
    for read in reads:
        if joined and are_alike(joined[-1], read):
            before = joined[-1]
            joined[-1] = before._replace(
                last=read.last,
                endpoints=tuple(sorted({*before.endpoints, *read.endpoints})),
                logs=None if before.logs is None or read.logs is None else before.logs + read.logs,
                digest=add_digests(before.digest, read.digest),
                read_at=max(filter(None, (before.read_at, read.read_at)), default=None),
                id=read.id,
            )
        else:
            joined.append(read)
    return joined


def add_digests(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else (one + other) % MODULUS


def are_alike(one: Read, following: Read) -> bool:
    """Endpoints make a difference only where it is one endpoint's word."""
    return (
        one.last + 1 == following.first
        and (one.scan, one.version, one.level) == (following.scan, following.version, following.level)
        and (one.digest is None, one.logs is None) == (following.digest is None, following.logs is None)
        and (one.level > 0 or one.endpoints == following.endpoints)
    )


def find_missing(covered: Sequence[Span], floor: int, top: int) -> list[Span]:
    """The blocks of [floor, top] that are not covered, in order."""
    missing = []
    block = floor
    for first, last in covered:
        if first > top:
            break
        if block < first:
            missing.append((block, first - 1))
        block = max(block, last + 1)
    if block <= top:
        missing.append((block, top))
    return missing
