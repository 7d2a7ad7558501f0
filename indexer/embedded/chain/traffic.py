"""Seeded life on a local chain: blocks of transactions, quiet stretches, reorgs."""

import random
import time
from dataclasses import dataclass
from typing import Any

from .activities import Call, draw, form_habits
from .node import Node
from .world import CALL_GAS, World

DEEPEST_REORG = 12
REORG_SHARE = 0.03
QUIET_SHARE = 0.03
LONGEST_QUIET = 8
BUSIEST_BLOCK = 9


@dataclass
class Counters:
    """What this traffic has done: heights gained, transactions sent, reorgs and the depth of the deepest."""

    blocks: int = 0
    transactions: int = 0
    reorgs: int = 0
    deepest: int = 0


class Traffic:
    """The activity of a world's wallets, the same for the same seed and the same head to begin from.

    Reorgs never reach below the head it began from: after a reload the node has no state to rebuild those blocks on.
    Nobody else may send from the wallets meanwhile. Every method raises NodeError.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.counters = Counters()
        self._world = world
        self._node = Node(world.url)
        self._habits = form_habits(world, random.Random(seed))
        self._floor = self._head = self._node.head()
        self._rng = random.Random(f"{seed} from {self._floor}")
        self._end: int | None = None
        self._node.call("anvil_setBlockTimestampInterval", 1)
        self._refresh()

    def history(self, blocks: int) -> None:
        """Mine at least `blocks` blocks at full speed, dated evenly from the last block's time up to now."""
        self._end = self._head + blocks
        while self._head < self._end:
            self.step()
        self._end = None

    def step(self) -> None:
        """Mine one block of activity; now and then after a reorg, or several empty blocks instead."""
        kind = self._rng.random()
        if kind < QUIET_SHARE:
            for _ in range(self._rng.randint(2, LONGEST_QUIET)):
                self._mine()
            return
        if kind < QUIET_SHARE + REORG_SHARE:
            self.reorg(1 + int(self._rng.triangular(0, DEEPEST_REORG, 0)))
        for _ in range(self._rng.randint(1, BUSIEST_BLOCK)):
            # One by one: a batch is worked on in any order, and the same seed must give the same block.
            self._node.call("eth_sendTransaction", self._request(draw(self._world, self._habits, self._rng)))
            self.counters.transactions += 1
        self._mine()

    def reorg(self, depth: int) -> None:
        """Replace the last `depth` blocks, as far as the node can, by as many others at the same heights.

        Their transactions are dropped, or replaced by others, or come back in later blocks than before.
        """
        depth = min(depth, self._head - self._floor)
        if depth < 1:
            return
        again = self._rng.choice((self._nothing, self._others, self._the_same_later))(depth)
        # The node draws a new prevRandao for every block: even one that holds the same as before is another block.
        self._node.call("anvil_reorg", depth, again)
        self._refresh()
        self.counters.reorgs += 1
        self.counters.deepest = max(self.counters.deepest, depth)

    def _nothing(self, depth: int) -> list[Any]:
        return []

    def _others(self, depth: int) -> list[Any]:
        self._nonces = self._read_nonces(hex(self._head - depth))
        calls = [(draw(self._world, self._habits, self._rng), place) for place in range(depth) for _ in range(3)]
        self.counters.transactions += len(calls)
        return [[self._request(call), place] for call, place in calls]

    def _the_same_later(self, depth: int) -> list[Any]:
        heights = range(self._head - depth + 1, self._head + 1)
        blocks = self._node.batch([("eth_getBlockByNumber", hex(height), False) for height in heights])
        held = [(sent, place) for place, block in enumerate(blocks) for sent in block["transactions"]]
        raw = self._node.batch([("eth_getRawTransactionByHash", sent) for sent, _ in held])
        delay = self._rng.randint(1, depth)
        return [[sent, min(place + delay, depth - 1)] for sent, (_, place) in zip(raw, held, strict=True)]

    def _request(self, call: Call) -> dict[str, str]:
        nonce = self._nonces[call.sender]
        self._nonces[call.sender] = nonce + 1
        return {
            "from": call.sender,
            "to": call.to,
            "data": call.data,
            "value": hex(call.value),
            "nonce": hex(nonce),
            "gas": hex(CALL_GAS),
        }

    def _mine(self) -> None:
        passed = int(time.time()) - self._last_time
        if self._end is not None:
            passed //= max(1, self._end - self._head)
        self._last_time += max(1, passed)
        self._node.call("evm_mine", {"timestamp": hex(self._last_time)})
        self._head += 1
        self.counters.blocks += 1

    def _refresh(self) -> None:
        block = self._node.call("eth_getBlockByNumber", "latest", False)
        self._head, self._last_time = int(block["number"], 16), int(block["timestamp"], 16)
        self._nonces = self._read_nonces("latest")

    def _read_nonces(self, block: str) -> dict[str, int]:
        counts = self._node.batch([("eth_getTransactionCount", wallet, block) for wallet in self._world.wallets])
        return {wallet: int(count, 16) for wallet, count in zip(self._world.wallets, counts, strict=True)}
