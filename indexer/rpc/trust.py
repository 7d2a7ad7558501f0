"""What of a chain's headers can be relied on: by its profile, or learned from its blocks.

A chain that does not keep Ethereum's rules must not have its endpoints blamed for it; one that does must not have them
forgiven. Where the profile does not say which it is, the first proof that succeeds does: hashes do not fit by accident.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

Claim: TypeAlias = Literal["header_hash", "receipts_root", "bloom"]
"""That the header's hash is that of its fields; that its receipts root is that of the receipts; that its bloom holds
every log of the block."""

CLAIMS: Final[tuple[Claim, ...]] = ("header_hash", "receipts_root", "bloom")

NOT_WITH: Final[Mapping[str, tuple[Claim, ...]]] = {
    "state-sync-logs": ("receipts_root", "bloom"),
    "no-bloom": ("bloom",),
    "no-receipts-root": ("receipts_root",),
    "foreign-header-hash": ("header_hash",),
    "zero-transaction-hash": ("receipts_root",),
}
"""The claims that cannot hold on a chain with a quirk; other quirks say nothing about them."""

PATIENCE = 5
"""Failures, without any success, after which a claim is not tried again."""


class Trust:
    """What is known of each claim on one chain. Safe to share between threads.

    A claim holds from some block on: chains have changed their rules, and what holds at the head need not hold for
    what is older. `gaps`: some heights have no block (Filecoin's null rounds).
    """

    def __init__(self, since: Mapping[Claim, int], never: Collection[Claim] = (), *, gaps: bool = False) -> None:
        self.gaps = gaps
        self._never = frozenset(never)
        self._since = {claim: block for claim, block in since.items() if claim not in self._never}
        self._given = frozenset(self._since)
        self._failures = dict.fromkeys(CLAIMS, 0)
        self._lock = threading.Lock()

    @classmethod
    def of_quirks(cls, quirks: Collection[str], standard: bool, since: int = 0) -> Trust:
        """`standard`: from block `since` on the chain keeps Ethereum's rules, but for what its quirks say."""
        never = {claim for quirk in quirks for claim in NOT_WITH.get(quirk, ())}
        return cls(dict.fromkeys(CLAIMS, since) if standard else {}, never, gaps="null-rounds" in quirks)

    @classmethod
    def from_dict(cls, learned: Mapping[str, object], quirks: Collection[str], standard: bool, since: int = 0) -> Trust:
        """As `of_quirks`, with what `to_dict` kept; the profile prevails, and what cannot be read is learned anew."""
        trust = cls.of_quirks(quirks, standard, since)
        for claim in CLAIMS:
            block = learned.get(claim)
            if isinstance(block, int) and block >= 0:
                trust.note(claim, True, block)
        return trust

    def to_dict(self) -> dict[str, int]:
        """Return the first block from which each learned claim is known to hold."""
        with self._lock:
            return {claim: block for claim, block in self._since.items() if claim not in self._given}

    def holds(self, claim: Claim, block: int | None = None) -> bool:
        """Whether a failure at this block (None: at the head) is the endpoint's fault, not the chain's."""
        since = self._since.get(claim)
        return since is not None and (block is None or block >= since)

    def worth(self, claim: Claim) -> bool:
        """Whether it is worth trying: the chain has not shown that it does not hold."""
        return claim not in self._never and (claim in self._since or self._failures[claim] < PATIENCE)

    def note(self, claim: Claim, succeeded: bool, block: int = 0) -> None:
        """Learn from a trial; a success at a block shows that the claim holds from there on (0: on the whole chain).

        Only a success that could have failed may be noted: not that no receipts have the empty root, nor that a bloom
        excludes none of no logs. One is enough, even after failures: they may have been at older blocks.
        """
        if claim in self._never or claim in self._given:
            return
        with self._lock:
            if succeeded:
                self._since[claim] = min(block, self._since.get(claim, block))
            else:
                self._failures[claim] += 1
