"""Section 5.3, row 20: heights without a block (Filecoin) are no holes, and no block is taken for such a height."""

from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

import pytest

from indexer.rpc import Level
from indexer.rpc.trust import Trust
from tests.positions.pool_fixtures import fill
from tests.positions.proxy import Proxy
from tests.positions.trio import Trio
from tests.positions.world import A, B, World, grow
from tests.rpc.scripted import Answer, giving, refusing

Call = dict[str, Any]
LOTUS, NULL, FOREST = "Lotus: an error", "null", "Forest: the block before"
USER = b"\x77" * 20


class Rounds:
    """The real chain as if its blocks stood at other heights: after every fifth, two heights have none.

    Blocks from `shifted` on stand one higher still. `said` is how a node says that a height has no block.
    """

    def __init__(self, world: World, said: str) -> None:
        self.evm = world.evm
        self.said = said
        self.shifted = 1 << 60

    def height(self, block: int) -> int:
        return block + 2 * (block // 5) + (block >= self.shifted)

    def block(self, height: int, *, at_most: bool = False) -> int | None:
        """The block at a height; `at_most`: or the one before it."""
        near = max(0, 5 * height // 7 - 2)
        below = next(block - 1 for block in count(near) if self.height(block) > height)
        return below if at_most or self.height(below) == height else None

    def answer(self, call: Call) -> Answer | None:
        method, params = call["method"], call["params"]
        if method == "eth_getBlockByNumber":
            return self.header(params[0])
        if method == "eth_getBlockByHash":
            return giving(self.moved(self.evm.ask(method, *params)))
        if method == "eth_getBlockReceipts" and len(params[0]) == 66:
            return giving(self.moved(self.evm.ask(method, *params)))
        if method == "eth_getLogs":
            asked = dict(params[0])
            if "fromBlock" in asked:
                first, last = (int(asked[end], 16) for end in ("fromBlock", "toBlock"))
                low = self.block(first, at_most=True) or 0
                high = self.block(last, at_most=True) or 0
                asked |= {"fromBlock": hex(low + (self.height(low) < first)), "toBlock": hex(high)}
                if int(asked["fromBlock"], 16) > high:
                    return giving([])
            return giving(self.moved(self.evm.ask(method, asked)))
        return None

    def header(self, asked: str) -> Answer:
        if asked == "latest":
            return giving(self.moved(self.evm.ask("eth_getBlockByNumber", asked, False)))
        height = int(asked, 16)
        block = self.block(height, at_most=self.said == FOREST)
        if height > self.height(self.evm.head()):
            return giving(None)
        if block is None:
            lotus = refusing(12, f"requested epoch was a null round ({height})")
            return lotus if self.said == LOTUS else giving(None)
        return giving(self.moved(self.evm.ask("eth_getBlockByNumber", hex(block), False)))

    def moved(self, answer: Any) -> Any:
        """With heights for block numbers, wherever they stand."""
        if isinstance(answer, list):
            return [self.moved(each) for each in answer]
        if not isinstance(answer, dict):
            return answer
        named = {
            name: hex(self.height(int(answer[name], 16))) for name in ("number", "blockNumber") if answer.get(name)
        }
        logs = {"logs": self.moved(answer["logs"])} if "logs" in answer else {}
        return answer | named | logs


class Heights(Trio):
    """Both loops on such a chain."""

    def __init__(self, world: World, proxies: list[Proxy], said: str) -> None:
        super().__init__(world, proxies, trust=Trust.of_quirks(["null-rounds"], standard=False))
        self.rounds = Rounds(world, said)
        self.first = self.floor
        self.floor = self.rounds.height(self.floor)
        for proxy in proxies:
            proxy.rules.append(self.rounds.answer)

    @property
    def head(self) -> int:
        return self.rounds.height(self.evm.head())

    def check_so_far(self) -> None:
        """Every row is one of the chain as it stands; what is missing is looked for at the end."""
        assert self.cursor is None or self.cursor <= self.head

    def check_rows(self) -> None:
        want: dict[tuple[bytes, int], int] = {}
        for (contract, _), job in self.jobs().items():
            for block, user in self.evm.touches(contract, first=self.first):
                want.setdefault((user, job), self.rounds.height(block))
        assert self.cursor == self.head
        assert self.setting("coverage")["complete"]
        assert self.rows() == want


@pytest.fixture
def proxies(world: World) -> Iterator[list[Proxy]]:
    fill(world)
    proxies = [Proxy(world.evm.url) for _ in range(3)]
    yield proxies
    for proxy in proxies:
        proxy.stop()


@pytest.mark.parametrize(
    ("said", "goal"), [(LOTUS, Level.CLAIMED), (LOTUS, Level.PROVED), (NULL, Level.PROVED), (FOREST, Level.CLAIMED)]
)
def test_both_loops_pass_over_them(world: World, proxies: list[Proxy], said: str, goal: Level) -> None:
    trio = Heights(world, proxies, said)
    trio.watch()
    trio.follow(40)
    trio.read_past(6, goal)
    trio.check_rows()
    assert trio.mismatches() == {}
    grow(trio.evm, 12)
    trio.follow(40)
    trio.check_rows()


@pytest.mark.parametrize("said", [LOTUS, NULL, FOREST])
def test_a_range_may_begin_and_end_with_one(world: World, proxies: list[Proxy], said: str) -> None:
    trio = Heights(world, proxies, said)
    trio.watch()
    trio.follow(40)
    nowhere = [height for height in range(trio.floor, trio.head - 20) if trio.rounds.block(height) is None]
    (segment,) = trio.connection.execute("SELECT to_block FROM segments").fetchall()
    for last in (nowhere[2], nowhere[3]):
        trio.connection.execute(
            "WITH cut AS (UPDATE segments SET to_block = %(last)s WHERE to_block = %(to)s RETURNING scan_id)"
            " INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
            " SELECT scan_id, %(last)s + 1, %(to)s, %(last)s + 1, 0, 0 FROM cut",
            {"last": last, "to": segment[0]},
        )
    trio.read_past(6)
    trio.check_rows()


@pytest.mark.parametrize(("said", "endpoints"), [(LOTUS, 1), (NULL, 3)])
def test_far_behind_a_final_height_without_a_block_holds_up_nobody(
    world: World, proxies: list[Proxy], said: str, endpoints: int
) -> None:
    trio = Heights(world, proxies[:endpoints], said)
    trio.watch()
    trio.follow(40)
    trio.read_past(6)
    grow(trio.evm, 20)
    while trio.rounds.block(trio.head - 6) is not None:
        grow(trio.evm, 1)
    trio.follow(60)
    trio.check_rows()


def test_each_height_that_is_final_is_told_of_once(world: World, proxies: list[Proxy]) -> None:
    """A single endpoint's final height is counted from its head, and may have no block."""
    trio = Heights(world, proxies[:1], LOTUS)
    trio.watch()
    trio.follow(40)
    for _ in range(12):
        grow(trio.evm, 1)
        trio.follow(10)
        final = trio.setting("final_block")
        assert trio.rounds.block(final) is not None
    runs = trio.connection.execute(
        "SELECT from_block, to_block FROM readings WHERE scan_id IS NULL ORDER BY from_block"
    ).fetchall()
    assert runs[-1][1] == final
    assert all(one[1] + 1 == following[0] for one, following in pairwise(runs))


@pytest.mark.parametrize("said", [LOTUS, NULL])
def test_a_reorg_may_leave_the_cursor_without_a_block(world: World, proxies: list[Proxy], said: str) -> None:
    while world.evm.head() % 5 != 3:
        grow(world.evm, 1)
    world.begin()
    trio = Heights(world, proxies, said)
    trio.watch(A, B)
    trio.follow(40)
    trio.read_past(6)
    trio.check_rows()
    trio.evm.reorg(1)
    trio.rounds.shifted = trio.evm.head()
    trio.evm.emit(A, USER)
    trio.evm.mine()
    trio.clock.now += 10
    trio.follow(40)
    trio.check_rows()
    assert trio.setting("rewind")["count"] == 1


@pytest.mark.parametrize("goal", [Level.CLAIMED, Level.PROVED], ids=lambda level: level.word)
@pytest.mark.parametrize("end", ["first", "last"])
def test_at_an_end_of_the_past_neither(world: World, proxies: list[Proxy], end: str, goal: Level) -> None:
    trio = Trio(world, proxies)
    trio.watch()
    trio.follow(12)
    height = trio.floor if end == "first" else trio.setting("final_block")
    trio.lie(3, calling_it_null(lambda asked: asked == height))
    trio.read_past(3, goal)
    assert trio.is_left()
    assert trio.put_aside()
    trio.recover()
    assert trio.is_true()


def calling_it_null(wanted: Callable[[int], bool]) -> Callable[[Call], Answer | None]:
    def rule(call: Call) -> Answer | None:
        if call["method"] != "eth_getBlockByNumber" or call["params"][0] == "latest":
            return None
        height = int(call["params"][0], 16)
        return refusing(12, f"requested epoch was a null round ({height})") if wanted(height) else None

    return rule


@pytest.mark.parametrize(
    ("liars", "goal"), [(1, Level.CLAIMED), (2, Level.PROVED), (3, Level.CLAIMED), (3, Level.PROVED)]
)
def test_a_block_that_is_called_a_null_round_is_not_passed_over(
    world: World, proxies: list[Proxy], liars: int, goal: Level
) -> None:
    trio = Trio(world, proxies)
    trio.watch()
    trio.lie(liars, calling_it_null(lambda height: height % 4 == 2))
    trio.follow(12)
    trio.read_past(3, goal)
    assert trio.is_true() or liars > 1
    assert trio.asked < 500
    trio.recover()
    assert trio.is_true()
    assert trio.setting("rewind")["count"] == 0
