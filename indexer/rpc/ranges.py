"""How many blocks to ask for next. Pure: it learns from what came and from what was refused."""

from __future__ import annotations

from indexer.rpc.errors import TooLarge

CAUTIOUS_ANSWERS = 32
"""Answers before a size that was refused is asked for again."""


class RangeEstimate:
    """The size of the next range of one scan, for one thread.

    `blocks` is the current size, `cap` the greatest size ever asked: a limit the provider named, else `largest`. It
    aims at `aim_logs` logs per answer and at most doubles or halves by density; a refusal shrinks it below what was
    asked, so that any row of refusals ends at a single block.
    """

    def __init__(self, start: int = 1000, aim_logs: int = 5_000, largest: int = 1_000_000) -> None:
        if min(start, aim_logs, largest) < 1:
            raise ValueError(f"start {start}, aim_logs {aim_logs} and largest {largest} must each be at least 1")
        self.cap = largest
        self.blocks = min(start, largest)
        self._aim = aim_logs
        self._good = 0
        self._refused = 0
        self._caution = 0

    def begin(self, size: int | None, cap: int | None, most_logs: int | None) -> None:
        """Go on from what was learned before: the size that worked last, the greatest range and answer."""
        if cap is not None:
            self.cap = max(1, min(self.cap, cap))
        if most_logs is not None:
            self._aim = max(1, min(self._aim, most_logs // 2))
        self.blocks = max(1, min(self.cap, self.blocks if size is None else size))

    def take(self, first: int, last: int) -> int:
        """Return the last block to ask for now, when blocks `first` to `last` are still to be read."""
        return min(last, first + self.blocks - 1)

    def succeeded(self, blocks: int, logs: int) -> None:
        """Learn from an answer: `blocks` asked for, `logs` that came."""
        aimed = blocks * self._aim // logs if logs else self.cap
        # A short range at the end of a scan says little about the size: it neither shrinks much nor lets it grow.
        most = min(2 * self.blocks, max(self.blocks, 2 * blocks))
        if self._refused:
            most = min(most, self._below_refused(blocks))
        self.blocks = max(1, self.blocks // 2, min(aimed, most, self.cap))
        self._good = blocks

    def refused(self, first: int, last: int, error: TooLarge) -> None:
        """Learn from the refusal of blocks `first` to `last`; raise it on when that was a single block.

        The range or limit the provider names is followed where it really asks for less. A limit stays for good, the
        size of a result does not: other blocks hold fewer logs.
        """
        asked = last - first + 1
        if asked <= 1:
            raise error
        usable: list[int] = []
        if error.suggested is not None:
            suggested = error.suggested[1] - error.suggested[0] + 1
            if 1 <= suggested < asked:
                usable.append(suggested)
        if error.limit_blocks is not None and 1 <= error.limit_blocks <= asked:
            # Refused at exactly the limit: this provider counts the distance, not the blocks.
            limit = min(error.limit_blocks, asked - 1)
            usable.append(limit)
            self.cap = min(self.cap, limit)
        # Without a hint: half, or what came last if that is between half and all of what was refused.
        target = min(usable) if usable else max(asked // 2, self._good if self._good < asked else 0)
        self.blocks = min(self.blocks, target)
        self._refused, self._caution = asked, CAUTIOUS_ANSWERS

    def _below_refused(self, blocks: int) -> int:
        """Return how far to grow after `blocks` came: towards the refused size, and to it again after a while."""
        if blocks >= self._refused:
            self._refused = 0
            return self.cap
        if not self._caution:
            return max(self.blocks, self._refused)
        self._caution -= 1
        gap = self._refused - self.blocks
        return self.blocks + gap // 2 if gap > self._refused // 8 else self.blocks
