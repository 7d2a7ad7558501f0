"""Which endpoint of several is asked, and what the error of one means for the others."""

from __future__ import annotations

import copy
import random as chance
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Self, TypeVar

from indexer.rpc.budget import Budget, BudgetSpent, Purpose
from indexer.rpc.errors import (
    BlockUnknown,
    Forbidden,
    Inconsistent,
    MethodUnsupported,
    NullRound,
    Pruned,
    QuotaSpent,
    Refused,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    WrongChain,
)
from indexer.rpc.gate import LONGEST_WAIT, PoolGate
from indexer.rpc.heads import HeadWatch
from indexer.rpc.limits import Limits
from indexer.rpc.member import ANY, HEAD_FRESH, Member, Need, Owed, Record
from indexer.rpc.node import FIRST_WAIT, Node
from indexer.rpc.score import Usual, pick
from indexer.rpc.together import Together
from indexer.rpc.trust import Trust

T = TypeVar("T")

ATTEMPTS = 5
"""Times that one question is asked in all, of whichever endpoints."""
PATIENCE = 3.0
"""Seconds that all are waited for where most of them decide; one that takes longer for a header does not answer."""
SOON = 1.0
"""Seconds within which an endpoint may be asked to be one of all that are asked at once."""

LACKING = (Transport, Throttled, Forbidden, Refused, BlockUnknown, Pruned, MethodUnsupported, WrongChain)
"""Of several reasons why no endpoint can be asked, the one to raise: first what passes by itself."""
ANSWERED = (
    NullRound,
    Refused,
    Inconsistent,
    BlockUnknown,
    Pruned,
    MethodUnsupported,
    Forbidden,
    QuotaSpent,
    Throttled,
    Transport,
)
"""Of several errors of endpoints that were asked, the one to raise: first what they said of the question."""


class Asking:
    """Asks the endpoints of one chain, in turn or together; see EndpointPool. Safe to share between threads.

    `limits` are what was learned of each label before, `trust` what of the chain's headers can be relied on, `checks`
    how to find out of each whether it serves this chain (raises what is wrong): before its first request unless it is
    one of `checked`, and whenever it gives reason to. With `hedge_after` a second endpoint is asked for the head where
    the first has not answered within so many seconds; where most of them decide, those that take longer than `patience`
    seconds do not count. `clock` gives seconds that only rise, `wall` Unix seconds; `pause` sleeps seconds and may
    raise to interrupt. With `parallel` off nothing is asked in other threads, so that a seeded run repeats itself.
    `blamed` is told a label and what was wrong, whenever an answer was proved wrong, and `unknown` of every refusal
    that nobody knows.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        limits: Mapping[str, Limits] | None = None,
        trust: Trust | None = None,
        budget: Budget | None = None,
        hedge_after: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        random: chance.Random | None = None,
        parallel: bool = True,
        attempts: int = ATTEMPTS,
        patience: float = PATIENCE,
        blamed: Callable[[str, str], None] | None = None,
        unknown: Callable[[RpcError], None] | None = None,
        checks: Mapping[str, Callable[[], None]] | None = None,
        checked: Collection[str] = (),
    ) -> None:
        self.trust = trust or Trust({})
        self.budget = budget or Budget(None, wall=wall)
        self.hedge_after = hedge_after
        self.heads = HeadWatch()
        self.clock = clock
        self.parallel = parallel
        self.patience = patience
        self._wall = wall
        self._pause = pause
        self._random = random or chance.Random()
        self._attempts = attempts
        self._blamed = blamed
        self._unknown = unknown
        self._usual = Usual()
        self._used: str | None = None
        records = []
        for node in nodes:
            label = node.endpoint.label
            known, check = (limits or {}).get(label) or Limits(), (checks or {}).get(label)
            records.append(Record(label, known, self._random, check))
            if label in checked:
                records[-1].doubted = False
            elif check is not None:
                records[-1].breaker.open(clock())
        self.members = self._view(zip(nodes, records, strict=True), "head")

    def for_purpose(self, purpose: Purpose) -> Self:
        """The same pool, its requests counted as head, historic or audit ones, of which the later ones stop earlier."""
        twin = copy.copy(self)
        twin.members = self._view(((member.node, member.record) for member in self.members), purpose)
        return twin

    def usable(self, need: Need = ANY) -> list[Member]:
        """Those that can be asked now, their heads left aside."""
        now, wall = self.clock(), self._wall()
        return [
            member
            for member in self.members
            if member.record.lacks(need, now, wall) is None
            and member.record.free_at(now) <= now + SOON
            and not (self.parallel and member.record.owes)
        ]

    def choose(self, need: Need = ANY, *, but: Collection[str] = ()) -> Member:
        """Return the endpoint to ask: the quickest that is well, mostly, and never one of the labels `but`.

        Where those that could be asked rest, it waits a while for the first. Raises what says why none can: Pruned
        (an archive is needed), MethodUnsupported, BlockUnknown (none has reached it), Throttled, QuotaSpent or
        BudgetSpent, Forbidden, Transport (all are down); RpcError when there is none besides `but`.
        """
        now, wall = self.clock(), self._wall()
        able: list[Member] = []
        reasons: list[RpcError] = []
        for member in self.members:
            if member.label not in but:
                reason = member.record.lacks(need, now, wall)
                if reason is None:
                    able.append(member)
                else:
                    reasons.append(reason)
        while able:
            now = self.clock()
            ready = [member for member in able if member.record.free_at(now) <= now]
            member = self._pick(ready, need) if ready else self._wait_for_first(able)
            late = self._find_head(member, need)
            if late is None:
                self._used = member.label
                return member
            reasons.append(late)
            able.remove(member)
        raise most_telling(reasons, LACKING) if reasons else RpcError("there is no other endpoint")

    def ask(self, question: Callable[[Node], T], need: Need = ANY, *, but: Collection[str] = ()) -> T:
        """Return the answer of one endpoint to `question`, which asks the node it is given and may be called again.

        TooLarge is raised at once (its `endpoint` says whose limit it is), and BudgetSpent; whatever else goes wrong is
        asked of another endpoint, and what passes by itself of the same one after a while. Raises RpcError.
        """
        return self.ask_member(lambda member: question(member.node), need, but=but)

    def ask_member(self, question: Callable[[Member], T], need: Need = ANY, *, but: Collection[str] = ()) -> T:
        """The same for a question that wants to know whom it asks."""
        tried: dict[str, RpcError] = {}
        wait = FIRST_WAIT
        for _ in range(self._attempts):
            try:
                member = self.choose(need, but={*but, *tried})
            except BudgetSpent:
                raise
            except RpcError:
                passing = [label for label, error in tried.items() if passes(error)]
                if not passing:
                    if tried:
                        raise most_telling(tried.values(), ANSWERED) from None
                    raise
                if not any(isinstance(tried[label], Throttled) for label in passing):
                    self._pause(min(LONGEST_WAIT, wait) * self._random.uniform(0.5, 1.0))
                    wait *= 2
                for label in passing:
                    del tried[label]
                member = self.choose(need, but={*but, *tried})
            try:
                return question(member)
            except BudgetSpent:
                raise
            except RpcError as error:
                self._note(member, error, need)
                if isinstance(error, TooLarge):
                    raise
                tried[member.label] = error
        raise most_telling(tried.values(), ANSWERED)

    def ask_all(
        self, question: Callable[[Node], T], need: Need = ANY, *, patience: float | None = None
    ) -> list[tuple[Member, T | RpcError]]:
        """Return what every endpoint that can be asked now answers, in the order of `members`, errors among them.

        One that has not reached the block needed answers BlockUnknown. Where they are asked in parallel, those that
        take longer than `patience` seconds are left out.
        """

        def ask(member: Member) -> T:
            late = self._find_head(member, need)
            if late is not None:
                raise late
            return question(member.node)

        usable = self.usable(need)
        answers: dict[str, T | RpcError] = {}
        if self.parallel and len(usable) > 1:
            answers = self.ask_together({member: partial(ask, member) for member in usable}, patience)
        else:
            for member in usable:
                try:
                    answers[member.label] = ask(member)
                except RpcError as error:
                    answers[member.label] = error
        for member in usable:
            answer = answers.get(member.label)
            if isinstance(answer, RpcError):
                self._note(member, answer, need)
        return [(member, answers[member.label]) for member in usable if member.label in answers]

    def ask_together(
        self, questions: Mapping[Member, Callable[[], T]], patience: float | None
    ) -> dict[str, T | RpcError]:
        """Return the answers that come within so many seconds, by label, each question asked in a thread of its own."""
        together: Together[str, T] = Together()
        owed = {member.label: Owed(member.record, question) for member, question in questions.items()}
        for label, question in owed.items():
            together.ask(label, question)
        answers = dict(together.gather(patience))
        for label in together.missing:
            owed[label].give_up()
        return answers

    def blame(self, label: str, what: str) -> None:
        """An answer of this endpoint was proved wrong: several make it rest. `what` is a word for metrics."""
        # One endpoint alone is asked on: to wait for it would gain nothing.
        self._record(label).note_wrong(what, self.clock(), may_rest=len(self.members) > 1)
        if self._blamed is not None:
            self._blamed(label, what)

    def note_cut(self, label: str, logs: int) -> None:
        """An answer of this endpoint with so many logs had been cut without a word."""
        self.blame(label, "cut")
        self._record(label).limits.shrink("logs", logs, self._wall())

    def note_addresses(self, label: str, addresses: int) -> None:
        """This endpoint takes no more than so many addresses in one filter."""
        self._record(label).limits.shrink("addresses", addresses, self._wall())

    def doubt(self, labels: Collection[str] | None = None) -> bool:
        """Have these endpoints (None: all) checked anew for their chain; whether any is, before it is asked next."""
        now = self.clock()
        doubted = [member.record.doubt(now) for member in self.members if labels is None or member.label in labels]
        return any(doubted)

    def quarantine(self, label: str, block: int, error: RpcError) -> None:
        """Do not ask this endpoint for this block for a while, since nobody knows what it answered."""
        self._record(label).quarantine(block, error, self.clock())

    def _view(self, parts: Iterable[tuple[Node, Record]], purpose: Purpose) -> tuple[Member, ...]:
        members = []
        for node, record in parts:
            gate = PoolGate(record, purpose, self.budget, self._usual, self.clock, self._wall, self._pause)
            asked_once = Node(
                node.endpoint.behind(gate),
                attempts=1,
                pause=self._pause,
                limits=record.limits,
                trust=self.trust,
                wall=self._wall,
            )
            members.append(Member(asked_once, record))
        return tuple(members)

    def _pick(self, ready: Sequence[Member], need: Need) -> Member:
        quick = [member for member in ready if not member.record.owes] or ready
        reached = [member for member in quick if member.record.reaches(need)] or quick
        used = next((index for index, member in enumerate(reached) if member.label == self._used), None)
        costs = [member.record.score.cost * member.record.requests_for(need) for member in reached]
        return reached[pick(costs, used, self._random)]

    def _wait_for_first(self, able: Sequence[Member]) -> Member:
        """Wait for the endpoint that may be asked first; raise why it rests where that takes too long."""
        now = self.clock()
        first = min(able, key=lambda member: member.record.free_at(now))
        wait = first.record.free_at(now) - now
        if wait > LONGEST_WAIT:
            raise first.record.rests(now)
        if wait > 0:
            self._pause(wait)
        with first.record.lock:
            first.record.breaker.end_rest()
        return first

    def _find_head(self, member: Member, need: Need) -> RpcError | None:
        """Return None where the endpoint has reached what is needed, asking for its head where that is not known."""
        record = member.record
        if record.reaches(need):
            return None
        if self.clock() - record.polled_at >= HEAD_FRESH:
            try:
                member.poll(self.clock)
            except BudgetSpent:
                raise
            except RpcError as error:
                return error
        return None if record.reaches(need) else record.lags(need)

    def _note(self, member: Member, error: RpcError, need: Need) -> None:
        if isinstance(error, Inconsistent):
            self.blame(member.label, "inconsistent")
        if isinstance(error, Refused) and self._unknown is not None:
            self._unknown(error)
        first, last = error.blocks or (need.first, need.last)
        if isinstance(error, Refused) and first is not None and first == last:
            self.quarantine(member.label, first, error)
        member.record.note_error(error, need, self._wall())

    def _record(self, label: str) -> Record:
        return next(member.record for member in self.members if member.label == label)


def passes(error: RpcError) -> bool:
    """Whether the same endpoint may be asked the same again after a while."""
    return isinstance(error, Transport | Throttled) and not isinstance(error, QuotaSpent)


def most_telling(errors: Iterable[RpcError], order: Sequence[type[RpcError]]) -> RpcError:
    """Return the error whose class comes first in `order`, of several such the last."""
    ranked = [
        (next((rank for rank, kind in enumerate(order) if isinstance(error, kind)), len(order)), error)
        for error in errors
    ]
    best = min(rank for rank, _ in ranked)
    return [error for rank, error in ranked if rank == best][-1]
