"""What a fault of a node is: a kind, how often it strikes, and dice that fall the same for the same seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from tests.simulation.endpoint import SimulatedNode

LOGS = frozenset({"eth_getLogs"})
RECEIPTS = frozenset({"eth_getBlockReceipts"})
HEADERS = frozenset({"eth_getBlockByNumber", "eth_getBlockByHash"})
HEADS = frozenset({"eth_blockNumber", "eth_getBlockByNumber"})


ABSENT = object()
"""In place of a result: the answer has none."""


class Harm(Enum):
    """What a client that believed the answer would come to; see plan.py for what must hold against each."""

    LOSS = "logs are missing from an answer that looks whole"
    FORGERY = "logs that never were, or other ones than they were"
    STRANGER = "logs that never were, of which the header's bloom tells"
    BRANCH = "blocks and logs of another branch or another chain, each true in itself"
    CUT = "logs are missing, and their number is one at which providers cut"
    SIBLING = "logs of another block of the same height, which their hash tells where it was asked for"
    HEADER = "a header whose fields are not those of its hash"
    HEAD = "a head that is too low or too high"
    SHAPE = "an answer that contradicts itself or the question, or is none"
    REFUSAL = "an error, in words that must be understood"
    TRANSPORT = "no usable answer"
    NONE = "nothing: an answer like any other, only unusual"


class Refusal(Exception):
    """A JSON-RPC error and the HTTP status and headers it comes with."""

    def __init__(
        self,
        code: int | None,
        words: str,
        data: object = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(words)
        self.error = {"code": code, "message": words} | ({} if data is None else {"data": data})
        self.status = status
        self.headers = headers or {}


class Call(NamedTuple):
    """`key` names the question and how often it has been asked."""

    method: str
    params: list[Any]
    key: str


@dataclass(frozen=True)
class Sent:
    """What goes over the wire: `value` as JSON, or `raw` instead.

    `cut` bytes are promised and never come; `lost`: the connection ends without an answer; `delay` in seconds.
    """

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int = 0
    lost: bool = False
    delay: float = 0.0

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Sent:
        return cls(value, status, headers or {})

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.value) if self.raw is None else self.raw

    def wait(self) -> None:
        if self.delay:
            time.sleep(self.delay)


class Dice:
    """Whether and how a fault strikes at a subject: the same for the same seed, endpoint, fault and subject.

    An empty subject stands for this asking of this question; any other (a block's hash) for every asking.
    """

    def __init__(self, seed: str, question: str, fault: Fault, count: Callable[[], None]) -> None:
        self._seed = seed
        self._question = question
        self._rate = fault.rate
        self._count = count

    def strikes(self, subject: str) -> bool:
        digest = blake2b(f"{self._seed}:{subject or self._question}".encode(), digest_size=7).digest()
        return int.from_bytes(digest) < self._rate * (1 << 56)

    def random(self, subject: str) -> Random:
        return Random(f"{self._seed}:{subject or self._question}")

    def committed(self, answer: Any) -> Any:
        """Count the fault and return the answer."""
        self._count()
        return answer


Answers = Callable[["SimulatedNode", Call, Callable[[], Any], Dice], Any]
Sends = Callable[[Any, Sent, Random], Sent]


@dataclass(frozen=True)
class Kind:
    """A way to misbehave. `case` is its row in the facts about providers (section 5).

    `answers` takes the place of the answer to a call of `methods` (none: any), `sends` that of what goes over the
    wire. A `sticky` kind is asked every time and asks the dice itself, by block.
    """

    name: str
    case: str
    harm: Harm
    methods: frozenset[str] = frozenset()
    answers: Answers | None = None
    sends: Sends | None = None
    sticky: bool = False


class Fault(NamedTuple):
    """A kind, and how often it strikes: 0.01 or 1.0."""

    kind: Kind
    rate: float

    def __str__(self) -> str:
        return f"{self.kind.name} ({'always' if self.rate == 1 else f'{self.rate:.0%}'})"
