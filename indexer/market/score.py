"""How sure a mapping is: its confidence from the evidence that is stored for it, and from nothing else. Pure.

| confidence | what there must be                                                                   |
|------------|--------------------------------------------------------------------------------------|
| 1.0        | the chain itself confirms it                                                          |
| 0.8        | sources that know nothing of each other agree, or the pool's own id proves the address |
| 0.6        | one source says so outright                                                           |
| 0.4        | an address was found where a source need not have meant the pool                       |
| 0.2        | a guess; or the chain contradicts, whatever else there is                             |
| 0          | nothing speaks for it any more                                                        |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

VERIFIED, AGREED, SAID, FOUND, GUESSED, NOTHING = 1.0, 0.8, 0.6, 0.4, 0.2, 0.0


class EvidenceKind(StrEnum):
    """What can be seen; `mapping_evidence.kind`."""

    IDENTITY = "identity"
    CONTRADICTION = "contradiction"
    KEY = "key"
    NAMED = "named"
    SYMBOL = "symbol"
    FACTORY = "factory"
    URL = "url"
    META = "meta"
    UNDERLYING = "underlying"


class Meaning(NamedTuple):
    """What a piece of evidence is worth alone, and what people are told it is."""

    worth: float
    words: str


MEANINGS: Mapping[EvidenceKind, Meaning] = MappingProxyType(
    {
        EvidenceKind.IDENTITY: Meaning(VERIFIED, "the contract itself answers as this pool would"),
        EvidenceKind.CONTRADICTION: Meaning(NOTHING, "the chain contradicts it"),
        EvidenceKind.KEY: Meaning(AGREED, "the pool's id is the UUIDv5 of a key with this address"),
        EvidenceKind.NAMED: Meaning(SAID, "the source names it as the pool's contract"),
        EvidenceKind.SYMBOL: Meaning(SAID, "a service knows it as a token that is called as the pool is"),
        EvidenceKind.FACTORY: Meaning(SAID, "a factory of its protocol has made it of the pool's tokens, and no other"),
        EvidenceKind.URL: Meaning(FOUND, "the address stands in the pool's URL"),
        EvidenceKind.META: Meaning(FOUND, "the address stands in the pool's poolMeta"),
        EvidenceKind.UNDERLYING: Meaning(GUESSED, "it is a token that the pool holds, not the pool"),
    }
)


@dataclass(frozen=True)
class Evidence:
    """One piece; `source` is who says so, `detail` what exactly was seen, `block` where a chain was asked."""

    kind: EvidenceKind
    source: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    block: int | None = None


def read_evidence(
    kind: str, source: str, detail: Mapping[str, Any] = MappingProxyType({}), block: int | None = None
) -> Evidence | None:
    """A piece as it is stored; None for what a newer version has seen, which counts for nothing here."""
    return Evidence(EvidenceKind(kind), source, detail, block) if kind in MEANINGS else None


class Score(NamedTuple):
    """`words` say, for people, how the confidence comes."""

    confidence: float
    refuted: bool
    words: str


def score(evidence: Iterable[Evidence]) -> Score:
    """The confidence that these pieces give together, in whatever order they come."""
    pieces = list(evidence)
    if not pieces:
        return Score(NOTHING, False, "nothing speaks for it any more")
    if any(each.kind is EvidenceKind.CONTRADICTION for each in pieces):
        confidence = min(GUESSED, weigh(pieces).confidence)
        return Score(confidence, True, f"the chain contradicts it, so that it is {GUESSED} at most")
    return weigh(pieces)


def weigh(pieces: list[Evidence]) -> Score:
    """The best piece decides, but for sources that agree.

    Whoever knows a token's symbol has read it from the token, so that all of them together are one more source. Where
    an address was only found, that is a second opinion on what our own logs say, of which nobody knew who wrote it.
    """
    of = {kind: sorted({each.source for each in pieces if each.kind is kind}) for kind in EvidenceKind}
    own, known = of[EvidenceKind.FACTORY], of[EvidenceKind.SYMBOL]
    named = of[EvidenceKind.NAMED] or (own and (of[EvidenceKind.URL] or of[EvidenceKind.META]))
    sources = named + known[:1] + own
    best = max(pieces, key=lambda each: MEANINGS[each.kind].worth)
    worth, words = MEANINGS[best.kind]
    if worth < AGREED and len(sources) > 1:
        return Score(AGREED, False, f"{' and '.join(sources)} agree")
    return Score(worth, False, f"{words} ({best.source})")
