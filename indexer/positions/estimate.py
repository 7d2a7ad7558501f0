"""What reading the pending past will cost, told from a few answers of the node. Pure: no Django, no socket."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from indexer.positions.definition import Definition
from indexer.positions.questions import BYTES_PER_ADDRESS, BYTES_PER_LOG, REQUEST_COST, Way
from indexer.positions.spans import Span, unite
from indexer.rpc import RangeEstimate

EMPTY_ANSWER = 150
"""Bytes of an answer without logs: the JSON-RPC envelope, without HTTP's headers."""


class Need(NamedTuple):
    """A job's definition and the blocks it has still to be looked up in, in order and apart."""

    definition: Definition
    blocks: list[Span]


class Stretch(NamedTuple):
    """A part of the past that one point speaks for.

    `blocks` blocks from `first` to `last`, not all of which need be pending; those from `at` to `until` are, and
    `definitions` are the jobs that need them.
    """

    first: int
    last: int
    blocks: int
    at: int
    until: int
    definitions: list[Definition]


class Sample(NamedTuple):
    """One answered request: `blocks` asked for, `logs` and `bytes` that came, after `seconds`."""

    blocks: int
    logs: int
    bytes: int
    seconds: float


class Rates(NamedTuple):
    """What a request costs by itself and what each log of its answer adds."""

    request_seconds: float
    log_seconds: float
    log_bytes: float


class Cost(NamedTuple):
    """Reading a stretch one way: `range_blocks` is the range reached, `weight` what the loops compare ways by."""

    way: str
    questions: int
    range_blocks: int
    requests: int
    bytes: int
    seconds: float
    weight: float


def count(parts: Iterable[Span]) -> int:
    return sum(last - first + 1 for first, last in parts)


def cut(needs: Sequence[Need], points: int) -> list[Stretch]:
    """The pending past in at most `points` stretches of about as many blocks, each with a point in its middle."""
    parts = unite(need.blocks for need in needs)
    total = count(parts)
    points = min(points, total)
    bounds = [total * number // points for number in range(points + 1)] if points else [0]
    stretches = []
    for low, high in pairwise(bounds):
        at, end = _place(parts, (low + high) // 2)
        until = min(end, at + high - (low + high) // 2 - 1)
        definitions = [need.definition for need in needs if any(first <= at <= last for first, last in need.blocks)]
        # No further than all of these jobs need it.
        ends = [last for need in needs for first, last in need.blocks if first <= at <= last]
        stretches.append(
            Stretch(
                _place(parts, low)[0],
                _place(parts, high - 1)[0],
                high - low,
                at,
                min([until, *ends]),
                definitions,
            )
        )
    return stretches


def measure(samples: Sequence[Sample]) -> Rates:
    """Tell the rates from at least one sample; a request's own time is that of the fastest."""
    fastest = min(sample.seconds for sample in samples)
    logs = sum(sample.logs for sample in samples)
    if not logs:
        mean = sum(sample.seconds for sample in samples) / len(samples)
        return Rates(mean, 0.0, BYTES_PER_LOG)
    seconds = sum(sample.seconds - fastest for sample in samples)
    size = sum(max(0, sample.bytes - EMPTY_ANSWER) for sample in samples)
    return Rates(fastest, seconds / logs, size / logs)


def reach(density: float, cap: int, longest: int) -> int:
    """The range that RangeEstimate comes to with `density` logs per block: at most `cap`, what the node takes, and
    `longest`, the blocks of a segment."""
    estimate = RangeEstimate()
    estimate.cap = cap
    before = 0
    while estimate.blocks != before and estimate.blocks < longest:
        before = estimate.blocks
        estimate.succeeded(before, math.ceil(before * density))
    return max(1, min(estimate.blocks, cap, longest))


def price(way: Way, blocks: int, density: float, cap: int, longest: int, rates: Rates) -> Cost:
    """Extrapolate: `blocks` asked for by the questions of `way`, each of which finds `density` logs per block."""
    questions = len(way.questions)
    size = reach(density, cap, longest)
    requests = questions * -(-blocks // size)
    logs = density * blocks * questions
    addresses = sum(len(question.addresses or ()) for question in way.questions) / questions
    return Cost(
        way.name,
        questions,
        size,
        requests,
        bytes=round(requests * EMPTY_ANSWER + logs * rates.log_bytes),
        seconds=requests * rates.request_seconds + logs * rates.log_seconds,
        weight=requests * (REQUEST_COST + addresses * BYTES_PER_ADDRESS) + logs * BYTES_PER_LOG,
    )


def cheapest_cost(costs: Iterable[Cost]) -> Cost:
    """The one that the loops will prefer."""
    return min(costs, key=lambda cost: cost.weight)


def _place(parts: Sequence[Span], number: int) -> Span:
    """The pending block with this number, from 0, and the last one of its part."""
    for first, last in parts:
        if number <= last - first:
            return first + number, last
        number -= last - first + 1
    raise ValueError("there are not that many blocks")
