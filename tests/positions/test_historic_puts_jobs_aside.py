"""A job that makes the node refuse is put aside with the node's words, holds up nobody, and is tried again later."""

import pytest

from tests.evm import TRANSFER
from tests.positions.pool_fixtures import fill, pool, proxy
from tests.positions.proxy import Proxy, Rule, for_ranges
from tests.positions.world import A, B, C, World
from tests.rpc.scripted import refusing

__all__ = ["pool", "proxy"]

WORDS = "this contract is not for you"


def refuse(*contracts: bytes) -> Rule:
    """Refuse every question that names one of the contracts."""
    named = {"0x" + contract.hex() for contract in contracts}
    return for_ranges(lambda first, last, asked: bool(named & set(asked or ())), refusing(-32000, WORDS))


NEEDS_ADDRESSES = for_ranges(lambda first, last, asked: asked is None, refusing(-32000, "name an address"))


def follow(world: World) -> None:
    latest = world.latest()
    while latest.step():
        pass


def states(world: World) -> dict[bytes, tuple[bool, str | None, int]]:
    """By contract: complete, error, attempts."""
    rows = world.connection.execute("SELECT contract_address, complete, error, attempts FROM jobs").fetchall()
    return {contract: (complete, error, attempts) for contract, complete, error, attempts in rows}


def delays(world: World) -> dict[bytes, int]:
    """By contract: seconds until it is tried again."""
    rows = world.connection.execute(
        "SELECT contract_address, ceil(extract(epoch FROM next_attempt - now()))::int FROM jobs"
        " WHERE next_attempt IS NOT NULL"
    )
    return dict(rows.fetchall())


def wait(world: World) -> None:
    """Let the delay pass and the next loop begin."""
    world.connection.execute("UPDATE jobs SET next_attempt = now() WHERE next_attempt IS NOT NULL")
    follow(world)


@pytest.fixture
def refusing_c(world: World, proxy: Proxy) -> World:
    """A, B and C are live; the node refuses whatever names C."""
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer"})
    follow(world)
    proxy.rules.append(refuse(C))
    world.node = proxy.node()
    world.run_historic()
    return world


def test_the_others_are_complete_and_the_job_has_the_nodes_words(refusing_c: World) -> None:
    assert states(refusing_c)[A] == states(refusing_c)[B] == (True, None, 0)
    complete, error, attempts = states(refusing_c)[C]
    assert (complete, attempts) == (False, 1)
    assert WORDS in (error or "")
    assert refusing_c.setting("coverage") == {"complete": False, "check_also": [C.hex()], "check_also_count": 1}
    refusing_c.check_claims()


def test_before_its_delay_is_over_nobody_asks_for_it(refusing_c: World, proxy: Proxy) -> None:
    proxy.forget()
    refusing_c.settle()
    assert not any("0x" + C.hex() in (asked or ()) for _, _, asked in proxy.ranges())
    assert 0 < delays(refusing_c)[C] <= 10


def test_after_its_delay_it_is_read_if_the_node_answers_by_then(refusing_c: World, proxy: Proxy) -> None:
    proxy.rules.clear()
    wait(refusing_c)
    refusing_c.settle()
    assert states(refusing_c)[C] == (True, None, 0)
    assert delays(refusing_c) == {}
    refusing_c.check_truth()


def test_the_head_is_followed_for_it_all_the_while(refusing_c: World, proxy: Proxy) -> None:
    refusing_c.evm.emit(C, b"\x5c" * 20)
    block = refusing_c.evm.mine()
    follow(refusing_c)
    assert refusing_c.rows()[b"\x5c" * 20, refusing_c.jobs()[C, 2]] == block


def test_the_delay_grows_with_every_failure(world: World, pool: bytes, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer", C: "Transfer", pool: "Transfer"})
    follow(world)
    proxy.rules.append(refuse(C, pool))
    world.node = proxy.node()
    seen = []
    for attempt in range(1, 4):
        # Others are asked for beside it, so that it is known whose fault it is.
        world.connection.execute("UPDATE jobs SET covered = '{}', complete = false WHERE NOT retired")
        wait(world)
        world.run_historic()
        assert states(world)[C][2] == attempt
        seen.append(delays(world)[C])
    assert seen == [10, 20, 40]


def test_several_jobs_of_one_contract_are_put_aside_together(world: World, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", C: "Transfer"})
    world.import_list({C: {"topic0": TRANSFER, "user_topic": 1}}, source="other")
    follow(world)
    proxy.rules.append(refuse(C))
    world.node = proxy.node()
    world.run_historic()
    rows = world.connection.execute("SELECT contract_address, user_topic, error IS NULL FROM jobs ORDER BY 1, 2")
    assert rows.fetchall() == [(A, 2, True), (C, 1, False), (C, 2, False)]


def test_a_contract_with_an_event_of_its_own_holds_up_nobody_either(world: World, pool: bytes, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer", pool: {"topic0": "0x" + "11" * 32, "user_topic": 1}})
    follow(world)
    proxy.rules += [refuse(pool), NEEDS_ADDRESSES]
    world.node = proxy.node()
    world.run_historic()
    assert states(world)[A] == states(world)[B] == (True, None, 0)
    assert WORDS in (states(world)[pool][1] or "")
