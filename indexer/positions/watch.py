"""Which jobs a log belongs to, and whom it names: the one reading of logs that every loop and export shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

from indexer.positions.abi import TEXTS, Argument, Event, Undecodable, compile_read, read_address, read_word
from indexer.positions.definition import Definition, DefinitionError, read_form
from indexer.positions.digest import MODULUS
from indexer.positions.pairs import EMPTY, Pairs
from indexer.positions.pairs import merge as merge_pairs

NOBODY = bytes(20)
"""The zero address: where tokens are minted from and burned to, never a user."""


class LogLike(Protocol):
    """What is read of a log: lower-case 0x hex text, as `indexer.rpc.types.Log` has it."""

    @property
    def address(self) -> str: ...
    @property
    def topics(self) -> Sequence[str]: ...
    @property
    def data(self) -> str: ...
    @property
    def block_number(self) -> int: ...
    @property
    def removed(self) -> bool: ...


L = TypeVar("L", bound=LogLike)


class Touch(NamedTuple):
    """In `block`, `address` (20 bytes) had a position with the pool of `job`; `key` and `value` are its metadata."""

    block: int
    address: bytes
    job: int
    key: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`count` logs of `block` did not fit `job`; `reason` is the first one's."""

    block: int
    job: int
    count: int
    reason: str


@dataclass
class Matches:
    """What a batch of logs says: touches without repeats, in the order of the logs, and what could not be read.

    `logs` is how many of them some job watches; `pairs` counts a log once for each job that watches it, and `digest` is
    the sum of the same logs' digests below digest.MODULUS. `found` are touches without metadata as columns, where
    logs were matched in columns: in one batch each pair of address and job once, with its least block.
    """

    touches: list[Touch]
    unreadable: list[Unreadable]
    logs: int = field(default=0, compare=False)
    pairs: int = field(default=0, compare=False)
    digest: int = field(default=0, compare=False)
    found: Pairs = field(default=EMPTY, compare=False)

    @property
    def jobs(self) -> set[int]:
        """Those that something was found for, readable or not."""
        named = {touch.job for touch in self.touches} | {row.job for row in self.unreadable}
        return named.union(self.found.jobs.tolist())


def merge(parts: Sequence[Matches]) -> Matches:
    """What several batches say, as one."""
    return Matches(
        [touch for part in parts for touch in part.touches],
        [row for part in parts for row in part.unreadable],
        sum(part.logs for part in parts),
        sum(part.pairs for part in parts),
        sum(part.digest for part in parts) % MODULUS,
        merge_pairs([part.found for part in parts]),
    )


def watch_key(contract: str | bytes, topic0: str | bytes) -> str:
    """Name a contract's event: lower-case 0x contract, `#`, lower-case 0x topic0. Bytes or 0x hex text are taken."""
    return f"{_hex(contract)}#{_hex(topic0)}"


class WatchIndex:
    """The jobs of a chain by watch key: the work per log does not depend on how many there are.

    Several jobs may share a key; each yields touches of its own. A definition that this version cannot read, say of a
    transform since removed, leaves every log of its job unreadable and the others alone.
    """

    def __init__(self, jobs: Iterable[tuple[int, Definition]]) -> None:
        readers: dict[str, tuple[tuple[int, _Reader], ...]] = {}
        topics: set[bytes] = set()
        self._count = 0
        for job, definition in jobs:
            key = watch_key(definition.contract, definition.topic0)
            readers[key] = (*readers.get(key, ()), (job, _reader_of(definition)))
            topics.add(definition.topic0)
            self._count += 1
        self._readers = readers
        self.topics: tuple[str, ...] = tuple(_hex(topic0) for topic0 in sorted(topics))
        """Every watched topic0, 0x hex, sorted."""

    def __len__(self) -> int:
        return self._count

    def match(self, logs: Iterable[L], digest_of: Callable[[L], int] | None = None) -> Matches:
        """Read every watched log. Never raises for what a log holds: what does not fit its job is counted there.

        A log is unreadable if its topics or data are not as many as its ABI's, or the user or the metadata in it
        cannot be read; in the last case the touch is given all the same, without metadata. The zero address is nobody.
        Logs that the chain took back (`removed`) are passed over. `digest_of` is asked for every watched log.
        """
        touches: dict[Touch, None] = {}
        problems: dict[tuple[int, int], tuple[int, str]] = {}
        watched = pairs = digest = 0
        for log in logs:
            topics = log.topics
            if not topics or log.removed:
                continue
            readers = self._readers.get(f"{log.address}#{topics[0]}")
            if readers is None:
                continue
            watched += 1
            pairs += len(readers)
            if digest_of is not None:
                digest += digest_of(log) * len(readers)
            for job, read in readers:
                try:
                    reading = read(topics, log.data)
                except Undecodable as error:
                    reading = _Reading(NOBODY, problem=str(error))
                if reading.user != NOBODY:
                    touches[Touch(log.block_number, reading.user, job, reading.key, reading.value)] = None
                if reading.problem is not None:
                    count, reason = problems.get((log.block_number, job), (0, reading.problem))
                    problems[log.block_number, job] = (count + 1, reason)
        return Matches(
            list(touches),
            [Unreadable(block, job, count, reason) for (block, job), (count, reason) in problems.items()],
            watched,
            pairs,
            digest % MODULUS,
        )


class _Reading(NamedTuple):
    user: bytes
    key: str | None = None
    value: str | None = None
    problem: str | None = None


_Reader = Callable[[Sequence[str], str], _Reading]


def _reader_of(definition: Definition) -> _Reader:
    if definition.user_topic is not None:
        return _topic_reader(definition.user_topic)
    try:
        return _abi_reader(
            definition.abi or "", definition.user_argument or "", definition.metadata_argument, definition.transform
        )
    except DefinitionError as error:
        return _refusing_reader(f"definition: {error}")


def _refusing_reader(reason: str) -> _Reader:
    def read(topics: Sequence[str], data: str) -> _Reading:
        raise Undecodable(reason)

    return read


@lru_cache
def _topic_reader(position: int) -> _Reader:
    def read(topics: Sequence[str], data: str) -> _Reading:
        if len(topics) <= position:
            raise Undecodable(f"topic {position} is missing")
        try:
            return _Reading(read_address(read_word(topics[position])))
        except Undecodable as error:
            raise Undecodable(f"topic {position}: {error}") from None

    return read


@lru_cache(maxsize=1024)
def _abi_reader(abi: str, user: str, metadata: str | None, transform: str | None) -> _Reader:
    form = read_form(abi, user, metadata, transform)
    event = form.event
    to_address = form.transform or _as_is
    read_user = compile_read(event, form.user)
    read_metadata = None if form.metadata is None else _metadata_reader(event, form.metadata)

    def read(topics: Sequence[str], data: str) -> _Reading:
        if len(topics) != event.topics:
            raise Undecodable(f"{len(topics)} topics where the ABI has {event.topics}")
        try:
            payload = bytes.fromhex(data[2:])
        except ValueError:
            raise Undecodable("data is not hex") from None
        if len(payload) < event.head_size:
            raise Undecodable(f"{len(payload)} bytes of data where the ABI needs {event.head_size}")
        address = to_address(read_user(topics, payload)) or NOBODY
        if address == NOBODY or read_metadata is None:
            return _Reading(address)
        try:
            return _Reading(address, metadata, read_metadata(topics, payload))
        except Undecodable as error:
            return _Reading(address, problem=str(error))

    return read


def _metadata_reader(event: Event, argument: Argument) -> Callable[[Sequence[str], bytes], str]:
    read, write = compile_read(event, argument), TEXTS[argument.type.kind]
    return lambda topics, data: write(read(topics, data))


def _as_is(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None


def _hex(value: str | bytes) -> str:
    return value.lower() if isinstance(value, str) else "0x" + value.hex()
