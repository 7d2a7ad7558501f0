"""A generated chain: it grows, reorganises to any depth, and may return to a branch it had left."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from indexer.chains.profiles import Finality
from tests.simulation.blocks import Block, Oddities, make_block
from tests.simulation.events import Deed, Population

LARGE_BLOCK = range(120, 260)
"""Logs of a block that has very many: more than an answer of a small node may hold."""


class Chain:
    """All of it follows from `random`. Change it, and read it at length, only with `lock` held.

    `canonical` leads from a height to its block; heights that are null rounds are absent. `executed` is the newest
    height whose logs nodes have. `final` never follows a reorg below it: what is final is a promise that may break.
    """

    def __init__(self, random: Random, oddities: Oddities | None = None, finality: Finality | None = None) -> None:
        self.lock = threading.RLock()
        self.random = random
        self.oddities = oddities or Oddities()
        self.finality = finality or Finality(depth=6)
        self.population = Population(random)
        self.canonical: dict[int, Block] = {}
        self.by_hash: dict[str, Block] = {}
        self.at_height: defaultdict[int, list[Block]] = defaultdict(list)
        self.left: list[Block] = []
        self.deepest = 0
        self._orphaned: list[list[Deed]] = []
        genesis = make_block(random, None, 0, [], self.oddities)
        self._know(genesis)
        self.canonical[0] = self.tip = genesis
        self.executed = 0

    @property
    def head(self) -> int:
        return self.tip.number

    def blocks(self, first: int = 0) -> Iterator[Block]:
        """The canonical blocks from `first` on."""
        return (self.canonical[number] for number in range(first, self.head + 1) if number in self.canonical)

    def final(self, head: int) -> int:
        """The height that a node whose newest block is at `head` calls final."""
        height = max(0, head - self.finality.depth)
        # Checkpoints are final together, an epoch at a time.
        return height - height % 3 if self.finality.tag else height

    def grow(self, blocks: int = 1) -> None:
        """Append new blocks."""
        with self.lock:
            for _ in range(blocks):
                skipped = self.oddities.null_rounds and self.random.random() < 0.15
                number = self.head + (2 if skipped else 1)
                block = make_block(self.random, self.tip, number, self._transactions(), self.oddities)
                self._know(block)
                self.canonical[number] = self.tip = block
            self.executed = self.head - self.oddities.async_execution

    def execute(self) -> None:
        """Give every block its logs, as a chain that stands still has done after a moment."""
        with self.lock:
            self.executed = self.head

    def has_executed(self, block: Block) -> bool:
        """Whether nodes have its logs: those of a branch that was left they have had."""
        return block.number <= self.executed or self.canonical.get(block.number) is not block

    def reorganise(self, depth: int, blocks: int) -> None:
        """Replace the newest `depth` heights by `blocks` new blocks, which take up much of what the old ones held."""
        with self.lock:
            self.left.append(self.tip)
            for block in self._leave(max(0, self.head - depth)):
                if block.deeds and self.random.random() < 0.6:
                    self._orphaned.append(block.deeds[:20])
            self.random.shuffle(self._orphaned)
            self.grow(blocks)
            self._orphaned.clear()

    def return_to(self, tip: Block) -> None:
        """Make the branch that ends in `tip` canonical again, as when two miners' branches overtake each other."""
        with self.lock:
            self.left.append(self.tip)
            branch: list[Block] = []
            block: Block | None = tip
            while block is not None and self.canonical.get(block.number) is not block:
                branch.append(block)
                block = block.parent
            assert block is not None, "every branch begins on the genesis block"
            self._leave(block.number)
            for each in reversed(branch):
                self.canonical[each.number] = self.tip = each
            self.executed = self.head - self.oddities.async_execution

    def siblings(self, block: Block) -> Sequence[Block]:
        """The other blocks that were ever made for its height."""
        return [each for each in self.at_height[block.number] if each is not block]

    def _leave(self, ancestor: int) -> list[Block]:
        """Take back every block above the height `ancestor`; returns them."""
        gone = [self.canonical.pop(number) for number in range(ancestor + 1, self.head + 1) if number in self.canonical]
        self.deepest = max(self.deepest, self.head - ancestor)
        self.tip = self.canonical[max(number for number in self.canonical)]
        return gone

    def _know(self, block: Block) -> None:
        self.by_hash[block.hash] = block
        self.at_height[block.number].append(block)

    def _transactions(self) -> list[list[Deed]]:
        """What the next block holds, in transactions of one to four logs."""
        random = self.random
        chance = random.random()
        logs = 0 if chance < 0.25 else random.choice(LARGE_BLOCK) if chance > 0.985 else random.randrange(1, 9)
        transactions = [self._orphaned.pop()] if self._orphaned and chance >= 0.25 else []
        while logs > 0:
            size = min(logs, random.randrange(1, 5))
            transactions.append([self.population.act() for _ in range(size)])
            logs -= size
        if transactions and random.random() < 0.3:
            transactions.append([])
        return transactions
