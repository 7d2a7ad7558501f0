"""One endpoint of a pool with all that is known of it, and what is needed of one to be asked."""

from __future__ import annotations

import copy
import threading
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Generic, NamedTuple, TypeVar

import msgspec

from indexer.rpc.breaker import LONGEST_REST, Breaker
from indexer.rpc.errors import (
    BlockUnknown,
    Forbidden,
    Inconsistent,
    MethodUnsupported,
    Pruned,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    WrongChain,
)
from indexer.rpc.heads import SEEN
from indexer.rpc.limits import Limits
from indexer.rpc.node import Node
from indexer.rpc.rate import Rate
from indexer.rpc.score import Score
from indexer.rpc.types import Header

T = TypeVar("T")
E = TypeVar("E", bound=RpcError)

HEAD_FRESH = 2.0
"""Seconds before an endpoint that had not reached a block is asked for its head again."""
STALLED, STALLED_BLOCKS = 300.0, 3
"""Seconds without a new head in which others went on by so many blocks, after which an endpoint has stalled."""
PRUNED_DEPTH = 1000
"""Blocks behind the head from which "no such history" is believed; nearer to it, that is an endpoint which lags."""
BLAMES, BLAMED_FOR = 3, 600.0
"""So many wrong answers within so many seconds make an endpoint rest."""
CHECKED_FOR, REFUSED_FOR = 60.0, 600.0
"""Seconds for which a check of the chain that an endpoint serves is good, and for which one of another is not asked."""
JUMP = 256
"""Blocks between two heads of an endpoint after which it may have become another one's."""
FIRST_QUARANTINE = 5.0
LONGEST_QUARANTINE = 600.0
"""Seconds for which an endpoint is not asked for a block that nobody understood its answer about; twice as long with
every time that it happens again."""


class Need(NamedTuple):
    """What an endpoint must have to be asked; None asks for nothing.

    `first` and `last` are the blocks that are asked for: its own head must have reached the last, it must not have
    pruned the first, and none of them may be in quarantine. It must not be known not to serve `method`: a JSON-RPC
    method, or a form of one after a space ("eth_getLogs by topic"). Of `blocks` in a range as many as it takes are
    asked for at once: one that takes few answers quicker and costs more.
    """

    last: int | None = None
    first: int | None = None
    method: str | None = None
    blocks: int | None = None


ANY = Need()

MEMBER_STATES = ("well", "resting", "down", "unchecked", "refused")
"""What an endpoint can be: asked; asked again after a rest that it wanted; left alone until a probe succeeds; not yet
known to be of this chain; of another chain."""


class Quarantine(NamedTuple):
    """Until when an endpoint is not asked for a block, for how many seconds in all, and what it answered."""

    until: float
    seconds: float
    error: RpcError


class Record:
    """What is known of one endpoint, whoever asks it. Safe to share between threads by its methods and `lock`.

    `check` finds out whether it serves this chain: it asks past the gate and raises what is wrong. That is done before
    the next request while the endpoint is `doubted`.
    """

    def __init__(self, label: str, limits: Limits, random: Random, check: Callable[[], None] | None) -> None:
        self.label = label
        self.limits = limits
        self._random = random
        self.rate = Rate(limits.rate, random)
        self.breaker = Breaker(random)
        self.score = Score()
        self.check = check
        self.doubted = check is not None
        self.checked_at = float("-inf")
        self.refused: WrongChain | None = None
        self.refused_until = float("-inf")
        self.rests_for: RpcError | None = None
        self.head: int | None = None
        self.tips: dict[int, Header] = {}
        self.answers = False
        self.owes = 0
        self.polled_at = float("-inf")
        self.behind: tuple[float, int] | None = None
        self.wrong: Counter[str] = Counter()
        self.blamed_at: deque[float] = deque(maxlen=BLAMES)
        self.quarantined: dict[int, Quarantine] = {}
        self.lock = threading.RLock()

    def lacks(self, need: Need, now: float, wall: float) -> RpcError | None:
        """Return why this endpoint cannot give what is needed, its head left aside; None when it may."""
        with self.lock:
            self.limits.forget_old(wall)
            refusal = self.refusal(now)
            if refusal is not None:
                return refusal
            quarantined = self._quarantined(need, now)
            if quarantined is not None:
                return quarantined
            if need.method is not None and not self.limits.serves(need.method, wall):
                return MethodUnsupported(f"{need.method} is not served", endpoint=self.label)
            below = self.limits.pruned_below
            if need.first is not None and below is not None and need.first < below:
                return Pruned(f"no history below block {below:,}: {need.first:,} needs an archive", endpoint=self.label)
        return None

    def refusal(self, now: float) -> WrongChain | None:
        """Why it is not asked at all; after a while it is looked at again, for who was led astray may come back."""
        with self.lock:
            if self.refused is not None and now >= self.refused_until:
                self.refused, self.doubted = None, True
            return None if self.refused is None else fresh(self.refused)

    def refuse(self, error: WrongChain, now: float) -> None:
        with self.lock:
            self.refused, self.refused_until = fresh(error), now + REFUSED_FOR

    def doubt(self, now: float) -> bool:
        """Let it be checked before its next request; whether it is, since it has not been just now."""
        with self.lock:
            if self.check is None or now - self.checked_at < CHECKED_FOR:
                return False
            self.doubted = True
            return True

    def reaches(self, need: Need) -> bool:
        """Whether the head it showed last is as high as needed; for logs, as far behind it as those come."""
        if need.last is None:
            return True
        delay = self.limits.log_delay if (need.method or "").startswith("eth_getLogs") else 0
        return self.head is not None and self.head - delay >= need.last

    def requests_for(self, need: Need) -> float:
        """How many requests the blocks that are needed take here, by the range that is known to be the greatest."""
        most = self.limits.blocks
        return 1.0 if need.blocks is None or most is None else max(1.0, need.blocks / most)

    def lags(self, need: Need) -> BlockUnknown:
        return BlockUnknown(f"block {need.last or 0:,} is beyond its head {self.head or 0:,}", endpoint=self.label)

    def free_at(self, now: float) -> float:
        """When a request may leave; a time in the past means now."""
        with self.lock:
            return max(self.breaker.free_at(now), self.rate.free_at())

    def rests(self, now: float) -> RpcError:
        """Return what to raise while nothing may leave."""
        with self.lock:
            seconds = max(0.0, self.free_at(now) - now)
            why = "" if self.rests_for is None else f" after: {self.rests_for.text}"
            if not self.breaker.closed:
                return Transport(f"rests for {seconds:.0f} s{why}", endpoint=self.label)
            if isinstance(self.rests_for, Forbidden):
                return Forbidden(f"rests for {seconds:.0f} s{why}", endpoint=self.label)
            kind = type(self.rests_for) if isinstance(self.rests_for, Throttled) else Throttled
            return kind(f"rests for {seconds:.0f} s{why}", endpoint=self.label, retry_after=seconds)

    def note_tip(self, header: Header, now: float) -> None:
        """It has shown this as its latest block."""
        with self.lock:
            if self.head is not None and abs(header.number - self.head) > JUMP:
                self.doubt(now)
            if header.number != self.head:
                self.behind = None
            self.head, self.polled_at, self.answers = header.number, now, True
            self.tips.pop(header.number, None)
            self.tips[header.number] = header
            if len(self.tips) > SEEN:
                del self.tips[next(iter(self.tips))]

    def note_wrong(self, what: str, now: float, *, may_rest: bool) -> None:
        """An answer was proved wrong; several make it rest where it may."""
        with self.lock:
            self.wrong[what] += 1
            self.score.fail()
            self.doubt(now)
            self.blamed_at.append(now)
            if may_rest and len(self.blamed_at) == BLAMES and now - self.blamed_at[0] <= BLAMED_FOR:
                self.blamed_at.clear()
                self.rests_for = Inconsistent(f"{BLAMES} wrong answers, the last one: {what}", endpoint=self.label)
                self.breaker.open(now, LONGEST_REST)

    def note_error(self, error: RpcError, need: Need, wall: float) -> None:
        """Learn from an error what only the one who asked can tell: which blocks it was about."""
        with self.lock:
            if isinstance(error, Pruned):
                if need.first is not None and self.head is not None and need.first <= self.head - PRUNED_DEPTH:
                    self.limits.prune(need.first, wall)
            elif isinstance(error, MethodUnsupported):
                # The gate knows of methods; a form of one is known here alone.
                method, _, form = (need.method or "").partition(" ")
                if form and error.method == method:
                    self.limits.switch_off(f"{method} {form}", wall)
            elif isinstance(error, TooLarge):
                if error.limit_blocks is not None:
                    asked = None if need.first is None or need.last is None else need.last - need.first + 1
                    # Refused at exactly the limit: this provider counts the distance, not the blocks.
                    limit = error.limit_blocks if asked is None else min(error.limit_blocks, asked - 1)
                    self.limits.shrink("blocks", limit, wall)
            elif isinstance(error, BlockUnknown) and need.last is not None and self.reaches(need):
                self.score.fail()

    def quarantine(self, block: int, error: RpcError, now: float) -> None:
        with self.lock:
            self.quarantined = {
                number: term for number, term in self.quarantined.items() if term.until > now - LONGEST_QUARANTINE
            }
            known = self.quarantined.get(block)
            seconds = FIRST_QUARANTINE if known is None else min(LONGEST_QUARANTINE, 2 * known.seconds)
            self.quarantined[block] = Quarantine(now + seconds, seconds, fresh(error))

    def state(self, now: float) -> str:
        """One of MEMBER_STATES."""
        with self.lock:
            if self.refused is not None:
                return "refused"
            if self.doubted:
                return "unchecked"
            if not self.breaker.closed:
                return "down"
            return "resting" if self.rate.resting_until > now else "well"

    def problem(self, now: float) -> str | None:
        """Why it is not well, in the provider's words."""
        with self.lock:
            if self.refused is not None:
                return self.refused.text
            return None if self.state(now) == "well" or self.rests_for is None else self.rests_for.text

    def stalls(self, top: int, now: float) -> bool:
        """Whether it has stood still for long while others went on, of which the highest shows block `top` now."""
        with self.lock:
            if self.head is None or self.head >= top:
                self.behind = None
                return False
            if self.behind is None:
                self.behind = now, top
            since, first = self.behind
            return now - since > STALLED and top - first >= STALLED_BLOCKS

    def learned(self) -> Limits:
        """A copy of the limits as they are to be kept."""
        with self.lock:
            kept = self.limits
            return Limits(
                blocks=kept.blocks,
                logs=kept.logs,
                addresses=kept.addresses,
                batch=kept.batch,
                log_delay=kept.log_delay,
                pruned_below=kept.pruned_below,
                rate=round(self.rate.per_second, 2) if self.rate.learned else None,
                off=dict(kept.off),
                range_size=dict(kept.range_size),
                learned=dict(kept.learned),
            )

    def forget(self) -> None:
        """Find everything out anew."""
        with self.lock:
            for name, value in msgspec.structs.asdict(Limits()).items():
                setattr(self.limits, name, value)
            self.rate = Rate(None, self._random)

    def _quarantined(self, need: Need, now: float) -> RpcError | None:
        if need.last is None:
            return None
        first = need.last if need.first is None else need.first
        return next(
            (
                fresh(term.error)
                for block, term in self.quarantined.items()
                if first <= block <= need.last and term.until > now
            ),
            None,
        )


class Owed(Generic[T]):
    """One question to one endpoint; as long as it is open and nobody waits for it, the endpoint owes an answer."""

    def __init__(self, record: Record, question: Callable[[], T]) -> None:
        self._record = record
        self._question = question
        self._open = True
        self._given_up = False

    def __call__(self) -> T:
        try:
            return self._question()
        finally:
            with self._record.lock:
                self._open = False
                self._record.owes -= self._given_up

    def give_up(self) -> None:
        """Wait for it no more: the endpoint does not count as answering until it does."""
        with self._record.lock:
            if self._open and not self._given_up:
                self._given_up = True
                self._record.owes += 1
                self._record.answers = False


def fresh(error: E) -> E:
    """The same error without its traceback, which would keep alive what was being read and grow at every raise."""
    return copy.copy(error)


class Member:
    """One endpoint of a pool: `node` asks it, once and without waiting for it to get well; the rest is what is known.

    `limits` may be read and learned into by whoever asks.
    """

    def __init__(self, node: Node, record: Record) -> None:
        self.node = node
        self.record = record

    def __repr__(self) -> str:
        return f"<Member {self.label}>"

    @property
    def label(self) -> str:
        return self.record.label

    @property
    def limits(self) -> Limits:
        return self.record.limits

    @property
    def head(self) -> int | None:
        """The block it showed as its latest, the last time; None before the first."""
        return self.record.head

    @property
    def tips(self) -> list[tuple[int, bytes]]:
        """The blocks (number, hash) it has shown as its latest, the newest last."""
        with self.record.lock:
            return [(number, header.hash) for number, header in self.record.tips.items()]

    def poll(self, clock: Callable[[], float]) -> Header:
        """Ask for the latest block and note it as this endpoint's head. Raises RpcError."""
        try:
            header = self.node.header("latest")
            if header is None:
                raise Transport("no latest block", endpoint=self.label, method="eth_getBlockByNumber")
        except RpcError:
            self.record.answers = False
            raise
        self.record.note_tip(header, clock())
        return header
