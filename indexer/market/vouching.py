"""Who vouches for what a contract answers, or nobody: it is said with the evidence, and moves no confidence. Pure.

All that a contract answers anybody can deploy in a day, with whatever it names: a factory, a lending pool, a vault. So
what answers as a pool must is 1.0, but watched without a person's word only if somebody vouches for it whom nobody
deploys: a factory or a lending pool that people have chosen to watch, or sources enough without the answers.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from indexer.market.identity import ATOKEN, BALANCER, CURVE, PAIR, VAULT
from indexer.market.score import AGREED, Evidence, EvidenceKind, Score, score

VOUCHED = "vouched"
"""The name of this in the detail of the evidence."""
ENOUGH = 3
"""Other pairs of a factory."""
WATCHED: Mapping[str, str] = MappingProxyType(
    {PAIR: "its factory, which we watch", ATOKEN: "its lending pool, which we watch"}
)
"""By form, where who names a contract as its own makes it itself, or takes in nothing of strangers."""
SHARED = "its factory, of which there are three and more other pairs that more than their answers speaks for"
BESIDE = "more than its answers: "
STRANGE = "nobody: anybody can deploy a token that says it stands for another"
SILENT = "nobody: its factory was not asked, or does not say which pairs are its own"
NOBODY: Mapping[str, str] = MappingProxyType(
    {
        PAIR: "nobody: whoever forges a pair can forge its factory",
        VAULT: "nobody: anybody can deploy a vault of any token",
        ATOKEN: "nobody: whoever forges an aToken can forge its lending pool",
        # Balancer's own, too: registerPool() is for everybody.
        BALANCER: "nobody: a vault takes in what anybody deploys, and anybody can deploy a vault",
        CURVE: "nobody: anybody can deploy a pool of any coins",
    }
)
KNOWN = frozenset({*WATCHED.values(), SHARED})
"""What is said where it is enough."""


def who_vouches(form: str, *, named: bool, watched: bool, others: int, beside: Score, standing: bool = False) -> str:
    """For a contract of this form, in words.

    `named`: somebody else names it as its own, whom people have chosen to watch if `watched`, and who has so many
    `others` for which enough speaks besides their answers. `beside`: what the rest of its evidence amounts to.
    `standing`: its tokens only stand for the pool's, of which a factory knows nothing: it makes pairs of any.
    """
    if watched and form in WATCHED and not standing:
        return WATCHED[form]
    if form == PAIR and others >= ENOUGH and not standing:
        return SHARED
    if beside.confidence >= AGREED:
        return BESIDE + beside.words
    if standing:
        return STRANGE
    return SILENT if form == PAIR and not named else NOBODY.get(form, "nobody")


def without_answers(pieces: Iterable[Evidence]) -> Score:
    """What they amount to without what the contract itself answers."""
    return score(each for each in pieces if each.kind is not EvidenceKind.IDENTITY)


def is_vouched(pieces: Collection[Evidence]) -> bool:
    """Whether a person need not be asked."""
    said = {each.detail.get(VOUCHED) for each in pieces if each.kind is EvidenceKind.IDENTITY}
    return bool(said & KNOWN) or without_answers(pieces).confidence >= AGREED
