"""What a seed stands for: a chain, the faults of its endpoints over time, and everything that happens to the index.

What must hold, by what the endpoints do (`Promise`, weakest first):

    NOTHING      but that both loops come to rest
    AFTER_AUDIT  once all endpoints are honest and both loops have come to rest, an audit of all finished ranges at the
                 strongest level makes the tables the truth
    AT_REST      they are it without an audit
    TRUE         and at any moment before: no claim without its rows, no row that the block it names does not give

AFTER_AUDIT holds in the end whatever the combination, but where a lone endpoint can prove nothing of what it says:
nobody finds its lies. The index comes to rest: nothing that endpoints say may stop it for good. How much more holds by
the harm that faults do, above final, where blocks are read one by one, and below, where ranges are read and checked in
themselves only:

    harm             above final                                                      below final
    LOSS, FORGERY    proved: TRUE, whoever lies, as long as receipts are served       AFTER_AUDIT: a loss
                     bloom: AFTER_AUDIT, for of two logs of one pair one may be       contradicts nothing
                         lost, and data is in no bloom
                     agreed: TRUE with one liar among steady others, else
                         AFTER_AUDIT, for two may tell the same lie, and where
                         nobody else answers the liar is all there is
                     claimed: AFTER_AUDIT
    STRANGER         bloom: TRUE, else as FORGERY                                     as above
    CUT              TRUE where receipts are served, else as LOSS                     TRUE, else as above
    SIBLING          TRUE: a block is asked for by its hash                           as above
    HEADER           hashes trusted: TRUE, else as LOSS                               as above
    BRANCH           a minority among steady others: TRUE                             AFTER_AUDIT: logs of
                     else AT_REST: to the index it is a reorg, and the way            a range may be of
                         back is another                                              another branch
    HEAD, SHAPE,     TRUE: they cost time and requests only                           TRUE
    REFUSAL, NONE,
    TRANSPORT

Steady is an endpoint without faults and without lag. A chain whose rules are not known yet (`standard` false) is taken
to be read as `agreed`: so it is until the first proof succeeds.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import IntEnum
from random import Random
from typing import NamedTuple

from indexer.rpc import Level
from tests.simulation.faults import Fault, Harm
from tests.simulation.kinds import KINDS
from tests.simulation.life import Happening, crowd, live
from tests.simulation.profiles import CHAIN_KINDS, ChainKind, Reach

PER_SEED = 4
"""Kinds of faults of a seed: 100 seeds commit each about seven times."""
RATES = (0.01, 1.0)
DISTURBANCES = frozenset({"kill", "cut", "restart", "lapse", "twin"})
GOALS = (Level.CLAIMED, Level.AGREED, Level.PROVED)
"""What ranges of the past are read to, by default and where somebody pays for more."""
ERAS = 3
"""Times in a life that endpoints have other faults, as when limits are lowered while a worker runs."""


STOPPING = frozenset({Harm.SHAPE, Harm.REFUSAL, Harm.TRANSPORT, Harm.HEAD, Harm.HEADER})
LIES = frozenset({Harm.LOSS, Harm.FORGERY, Harm.STRANGER, Harm.CUT, Harm.SIBLING, Harm.HEADER, Harm.BRANCH})
WITHOUT_RECEIPTS = frozenset({"no-receipts", "strange-refusal"})
"""Faults after which the logs of a block may have to be believed without their receipts."""


class Promise(IntEnum):
    NOTHING = 0
    AFTER_AUDIT = 1
    AT_REST = 2
    TRUE = 3


class Member(NamedTuple):
    """One endpoint: its faults by era, and how it is a node."""

    label: str
    eras: tuple[tuple[Fault, ...], ...]
    lag: int
    keeps_orphans: bool

    @property
    def faults(self) -> Iterator[Fault]:
        return (fault for era in self.eras for fault in era)

    @property
    def is_refused(self) -> bool:
        """Whether it serves another chain from the beginning, which is found out before it is asked anything."""
        return all(any(kind.name == "wrong-chain" and rate == 1 for kind, rate in era) for era in self.eras)


@dataclass(frozen=True)
class Plan:
    """All that follows from a seed before anything runs; `history` blocks are there before the index begins."""

    seed: int
    chain: ChainKind
    members: tuple[Member, ...]
    history: int
    life: tuple[Happening, ...]

    @classmethod
    def of(cls, seed: int) -> "Plan":
        random = Random(f"plan {seed}")
        chain = CHAIN_KINDS[seed % len(CHAIN_KINDS)]
        # Kinds come in an order that has nothing to do with that of the chains, so that all pairs come with time.
        order = Random("kinds").sample(KINDS, len(KINDS))
        eras: list[list[list[Fault]]] = [[[] for _ in range(ERAS)] for _ in range(chain.endpoints)]
        for turn in range(PER_SEED * seed, PER_SEED * (seed + 1)):
            times, place = divmod(turn, len(order))
            kind = order[place]
            # Six times of a kind see it at both rates, each on one, two and three endpoints.
            rate = RATES[(times + place) % 2]
            afflicted = random.sample(eras, 1 + (times + place) // 2 % chain.endpoints)
            everywhere = len(afflicted) == chain.endpoints and rate == 1 and kind.harm in STOPPING
            # What nobody can work through happens to all at once for a time, or nothing else would happen at all.
            together = random.sample(range(ERAS), 1 if everywhere else random.randrange(1, ERAS + 1))
            for member in afflicted:
                for era in together if everywhere else random.sample(range(ERAS), len(together)):
                    member[era].append(Fault(kind, rate))
        members = tuple(
            Member(
                label=f"endpoint-{place + 1}",
                eras=tuple(map(tuple, member)),
                lag=random.choice((0, 0, 0, 1, 2)),
                keeps_orphans=random.random() < 0.6,
            )
            for place, member in enumerate(eras)
        )
        return cls(seed, chain, members, random.randrange(120, 240), tuple(live(random, ERAS)))

    def alone(self, *faults: Fault) -> "Plan":
        """The same life with one endpoint, which has these faults for all of it."""
        return replace(self, members=(Member("endpoint-1", (faults,) * ERAS, 0, True),))

    def only(self, *faults: tuple[Fault, ...], late: bool = False) -> "Plan":
        """The same life with steady endpoints, but for these faults of each; `late`: at first not."""
        members = [
            Member(member.label, ((),) * late + (own,) * (ERAS - late), 0, True)
            for member, own in zip(self.members, (*faults, *((),) * len(self.members)), strict=False)
        ]
        return replace(self, members=tuple(members))

    def crowded(self) -> "Plan":
        """The same life, in which the latest loop is overtaken by its twin as often as there is an occasion."""
        return replace(self, life=tuple(crowd(self.life)))

    def undisturbed(self) -> "Plan":
        """The same chain and the same wishes of users; endpoints are steady and no process dies or is doubled."""
        life = tuple(happening for happening in self.life if happening.name not in DISTURBANCES)
        return replace(self.only(), life=life)

    @property
    def goal(self) -> Level:
        """What the historic loops read ranges to."""
        return GOALS[self.seed // len(CHAIN_KINDS) % len(GOALS)]

    @property
    def audit(self) -> Level:
        """What the audit in the end compares: mostly two endpoints, which takes far fewer requests."""
        return Level.AGREED if self.seed % 4 else Level.PROVED

    @property
    def above_final(self) -> Promise:
        losses = {Harm.LOSS, Harm.FORGERY}
        losses |= set() if self.chain.trusts_hashes else {Harm.HEADER}
        losses |= set() if self._serves_receipts else {Harm.CUT}
        losses |= set() if self.chain.reach is Reach.BLOOM else {Harm.STRANGER}
        liars, strays = self._doing(losses), self._doing({Harm.BRANCH})
        if liars and not self._finds_out(liars):
            return Promise.AFTER_AUDIT
        return Promise.TRUE if self._outvoted(strays) else Promise.AT_REST

    @property
    def below_final(self) -> Promise:
        found_out = {Harm.CUT} if self._serves_receipts else set()
        return Promise.AFTER_AUDIT if self._doing(LIES - found_out) else Promise.TRUE

    @property
    def in_the_end(self) -> Promise:
        promise = min(self.above_final, self.below_final)
        alone = self.chain.reach is Reach.CLAIMED and promise is Promise.AFTER_AUDIT
        return Promise.NOTHING if alone else promise

    @property
    def reliable(self) -> Level:
        """The weakest level at which nothing false may have been read: two endpoints may tell the same lie."""
        liars = self._doing(LIES)
        return Level.AGREED if len(liars) <= 1 else Level.PROVED

    @property
    def knows_its_chain(self) -> bool:
        """Whether no block that the chain never had may be stored, and no head be believed that it never had."""
        return self._outvoted([member for member in self._doing({Harm.BRANCH}) if not member.is_refused])

    def _outvoted(self, strays: list[Member]) -> bool:
        return not strays or (2 * len(strays) < len(self.members) and self._others_are_steady(strays))

    @property
    def _serves_receipts(self) -> bool:
        return not any(fault.kind.name in WITHOUT_RECEIPTS for member in self.members for fault in member.faults)

    def _finds_out(self, liars: list[Member]) -> bool:
        """Whether lies about a block above final are found out before it is stored."""
        if self.chain.reach is Reach.PROVED:
            return self._serves_receipts
        return self.chain.reach is Reach.AGREED and len(liars) == 1 and self._others_are_steady(liars)

    def _doing(self, harms: AbstractSet[Harm]) -> list[Member]:
        return [member for member in self.members if any(fault.kind.harm in harms for fault in member.faults)]

    def _others_are_steady(self, some: list[Member]) -> bool:
        return all(
            member.lag == 0 and all(fault.kind.harm is Harm.NONE for fault in member.faults)
            for member in self.members
            if member not in some
        )

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.chain.name}, {self.history} blocks, then {len(self.life)} happenings"]
        for member in self.members:
            eras = "; ".join(", ".join(map(str, era)) or "honest" for era in member.eras)
            lag = f", {member.lag} blocks late" if member.lag else ""
            lines.append(f"  {member.label}{lag}: {eras}")
        lines.append(f"  above final: {self.above_final.name}, below: {self.below_final.name}, read {self.goal.word}")
        return "\n".join(lines)
