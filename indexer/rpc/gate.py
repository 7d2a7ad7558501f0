"""Where requests leave for one endpoint of a pool: paced, counted and measured here, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

from indexer.rpc.budget import Budget, Purpose
from indexer.rpc.errors import (
    Forbidden,
    MethodUnsupported,
    QuotaSpent,
    Refused,
    RpcError,
    Throttled,
    Transport,
    WrongChain,
)
from indexer.rpc.member import Record, fresh
from indexer.rpc.rate import LONGEST_NAMED
from indexer.rpc.score import Usual

LONGEST_WAIT = 30.0
"""Seconds that a request waits for its turn; what takes longer is for the caller to know."""
HOPELESS_REST = 600.0
"""Seconds before an endpoint is asked again that will give nothing until a quota is new or somebody acts."""
OFF_CODES = frozenset({-32601, -32004, -32612, -32613, -32005})
"""Codes that speak of a whole method; other refusals of eth_getLogs speak of the form it was asked in."""


class PoolGate:
    """What an Endpoint asks before a request leaves and tells after its answer came. Safe to share between threads."""

    def __init__(
        self,
        record: Record,
        purpose: Purpose,
        budget: Budget,
        usual: Usual,
        clock: Callable[[], float],
        wall: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self._record = record
        self._purpose = purpose
        self._budget = budget
        self._usual = usual
        self._clock = clock
        self._wall = wall
        self._pause = pause

    def before(self, method: str, requests: int) -> float:
        """Wait until so many requests may leave and return the time at which they do.

        Raises what the endpoint is known to answer or why it rests, without asking it: MethodUnsupported, WrongChain,
        Transport, Throttled, QuotaSpent, BudgetSpent.
        """
        record = self._record
        try:
            with record.lock:
                refusal = record.refusal(self._clock())
                if refusal is not None:
                    raise refusal
                if not record.limits.serves(method, self._wall()):
                    raise MethodUnsupported("not served when it was asked last")
                now = self._clock()
                rest = record.rate.free_at() - now
                if record.breaker.free_at(now) > now or rest > LONGEST_WAIT:
                    raise record.rests(now)
                self._budget.take(self._purpose, requests)
                wait = record.rate.take(now, requests)
            if wait > 0:
                self._pause(wait)
                # Another request may have been throttled meanwhile.
                rest = record.rate.resting_until - self._clock()
                if rest > 0:
                    self._pause(min(LONGEST_WAIT, rest))
            with record.lock:
                if not record.breaker.begin(self._clock()):
                    raise record.rests(self._clock())
            self._check()
        except RpcError as error:
            error.endpoint, error.method = record.label, method
            raise
        return self._clock()

    def after(self, left: float, method: str, requests: int, error: RpcError | None) -> None:
        """Learn from the answer to requests that left then; None for a good one."""
        record, now = self._record, self._clock()
        with record.lock:
            if isinstance(error, Transport):
                record.rests_for = fresh(error)
                record.breaker.failed(now)
                record.score.note(self._usual.ratio(kind_of(method, requests), now - left), failed=True)
                if not record.breaker.closed:
                    # Who comes back may be another: what stands behind an address is not always the same.
                    record.doubt(now)
                return
            record.breaker.succeeded()
            if isinstance(error, QuotaSpent | Forbidden):
                record.rests_for = fresh(error)
                named = error.retry_after if isinstance(error, QuotaSpent) else None
                record.rate.rest(now + min(LONGEST_NAMED, named or HOPELESS_REST))
                return
            if isinstance(error, Throttled):
                record.rests_for = fresh(error)
                record.rate.throttled(left, now, error.retry_after)
                return
            record.rate.answered(left, requests)
            if error is None:
                record.score.note(self._usual.ratio(kind_of(method, requests), now - left), failed=False)
            elif isinstance(error, Refused):
                record.score.fail()
            elif isinstance(error, MethodUnsupported) and requests == 1 and speaks_of_method(error, method):
                record.limits.switch_off(method, self._wall())

    def _check(self) -> None:
        """Find out which chain an endpoint serves that could not be asked before, or that gives reason to ask again."""
        record = self._record
        if record.check is None or not record.doubted:
            return
        try:
            record.check()
        except WrongChain as error:
            record.refuse(error, self._clock())
            raise
        except RpcError as error:
            with record.lock:
                record.rests_for = fresh(error)
                record.breaker.failed(self._clock())
            raise
        record.checked_at, record.doubted = self._clock(), False


def speaks_of_method(error: MethodUnsupported, method: str) -> bool:
    """Whether the whole method is off; eth_getLogs may be served in another form."""
    return method != "eth_getLogs" or error.code in OFF_CODES


def kind_of(method: str, requests: int) -> str:
    """A batch takes its own time."""
    return method if requests == 1 else f"{method} in a batch"
