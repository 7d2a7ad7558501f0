"""What an endpoint's error means for the others: each class is handled in its own way, and none as another."""

from __future__ import annotations

import pytest

from indexer.rpc import (
    BlockUnknown,
    Budget,
    BudgetSpent,
    Forbidden,
    Inconsistent,
    MethodUnsupported,
    Need,
    Node,
    Pruned,
    QuotaSpent,
    Refused,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    WrongChain,
)
from indexer.rpc.asking import ANSWERED, ATTEMPTS, LACKING, most_telling
from indexer.rpc.gate import HOPELESS_REST
from indexer.rpc.limits import HOUR, OFF_FOR
from indexer.rpc.member import FIRST_QUARANTINE
from indexer.rpc.rate import LONGEST_NAMED

from .pools import Clock, StartReplica, pool_of
from .samples import TRANSFER, hash_of, log_json
from .scripted import Answer, giving, refusing, sending

LOGS = "eth_getLogs"
DEAD = sending(b"busy", 503)
UNKNOWN = refusing(-32000, "a text nobody knows")


def read(node: Node) -> int:
    return len(node.range_logs(10, 12, None, [TRANSFER]))


@pytest.mark.parametrize(
    "answer",
    [
        DEAD,
        refusing(429, "Too many requests"),
        refusing(-32000, "unknown block"),
        refusing(4444, "pruned history unavailable"),
        refusing(-32601, "the method does not exist"),
        sending(b"", 402),
        giving([log_json(99, 0)]),  # contradicts what was asked
        UNKNOWN,
    ],
)
def test_another_endpoint_is_asked(answer: Answer, replica: StartReplica, clock: Clock) -> None:
    bad, good = replica(100), replica(100)
    bad.fails[LOGS] = answer
    assert pool_of(bad, good, clock=clock).ask(read) == 3
    assert (bad.asked.count(LOGS), good.asked.count(LOGS), clock.waits) == (1, 1, [])


def test_too_large_is_raised_at_once(replica: StartReplica, clock: Clock) -> None:
    bad, good = replica(100), replica(100)
    bad.fails[LOGS] = refusing(-32005, "query returned more than 10000 results")
    with pytest.raises(TooLarge) as caught:
        pool_of(bad, good, clock=clock).ask(read)
    assert (caught.value.endpoint, good.asked) == ("local-1", [])


def test_a_range_limit_is_learned_and_nothing_waits_for_it(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    only.fails[LOGS] = refusing(-32614, "eth_getLogs is limited to a 2 range")
    pool = pool_of(only, clock=clock)
    rate = pool.members[0].record.rate.per_second
    for _ in range(3):
        with pytest.raises(TooLarge):
            pool.ask(read, Need(first=10, last=12))
    assert pool.limits()["local-1"].blocks == 2
    assert clock.waits == []
    assert pool.members[0].record.rate.per_second >= rate


def test_throttling_shrinks_no_range(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    only.fails[LOGS] = refusing(429, "requests limited to 10 per second, block range 5 LIMIT")
    pool = pool_of(only, clock=clock)
    with pytest.raises(Throttled):
        pool.ask(read)
    limits = pool.limits()["local-1"]
    assert (limits.blocks, limits.logs, limits.range_size) == (None, None, {})
    assert limits.rate is not None


def test_an_unknown_refusal_is_asked_of_everybody_once(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100) for _ in range(3)]
    for each in replicas:
        each.fails[LOGS] = UNKNOWN
    with pytest.raises(Refused, match="a text nobody knows"):
        pool_of(*replicas, clock=clock).ask(read)
    assert [each.asked.count(LOGS) for each in replicas] == [1, 1, 1]
    assert clock.waits == []


@pytest.mark.parametrize("answer", [DEAD, refusing(429, "Too many requests")])
def test_one_endpoint_alone_is_asked_again_after_a_wait(answer: Answer, replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    only.node.script.extend([answer, answer])
    assert pool_of(only, clock=clock).ask(read) == 3
    assert len(only.asked) == 3
    assert len(clock.waits) >= 2


def test_a_lasting_failure_is_raised_after_the_last_attempt(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    only.fails[""] = DEAD
    with pytest.raises(Transport, match="busy"):
        pool_of(only, clock=clock).ask(read)
    assert len(only.asked) == ATTEMPTS


def test_a_budget_that_is_spent_is_not_asked_around(replica: StartReplica, clock: Clock) -> None:
    calls: list[str] = []

    def ask(node: Node) -> int:
        calls.append(node.endpoint.label)
        raise BudgetSpent("spent")

    with pytest.raises(BudgetSpent):
        pool_of(replica(1), replica(1), clock=clock).ask(ask)
    assert len(calls) == 1


def test_a_budget_that_ends_while_heads_are_looked_up_is_no_failure_of_an_endpoint(
    replica: StartReplica, clock: Clock
) -> None:
    down, other = replica(100), replica(100)
    down.fails[LOGS] = DEAD
    pool = pool_of(down, other, clock=clock, budget=Budget(2, wall=clock.wall))
    with pytest.raises(BudgetSpent):
        pool.ask(read, Need(first=10, last=12))
    assert clock.waits == []


def test_what_another_method_lacks_says_nothing_of_the_form_asked_in(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    pool = pool_of(only, clock=clock)
    header = pool.header(50)
    assert header is not None
    only.fails["eth_getBlockReceipts"] = refusing(-32601, "the method eth_getBlockReceipts does not exist")
    need = Need(first=50, last=50, method="eth_getLogs by hash")
    with pytest.raises(MethodUnsupported):
        pool.ask(lambda node: node.receipts_logs(header), need)
    assert pool.choose(need).label == "local-1"


def test_a_spent_quota_rests_long_and_the_others_go_on(replica: StartReplica, clock: Clock) -> None:
    poor, rich = replica(100), replica(100)
    poor.fails[""] = sending(b"Payment required", 402)
    pool = pool_of(poor, rich, clock=clock)
    for _ in range(50):
        pool.ask(read)
        clock.now += 1
    assert len(poor.asked) == 1
    assert pool.states()[0].state == "resting"
    assert pool.limits()["local-1"].rate is None, "a quota says nothing about the pace"
    with pytest.raises(QuotaSpent, match="rests for"):
        pool.ask(read, but={"local-2"})


def test_a_quota_that_names_an_absurd_wait_is_asked_about_again(replica: StartReplica, clock: Clock) -> None:
    only = replica(1)
    pool = pool_of(only, clock=clock)
    only.fails[""] = sending(b"monthly capacity limit exceeded", 429, retry_after="999999999")
    with pytest.raises(QuotaSpent):
        pool.ask(read)
    only.fails.clear()
    clock.now += LONGEST_NAMED
    assert pool.ask(read) == 0


def test_an_endpoint_that_lets_nobody_in_is_left_alone(replica: StartReplica, clock: Clock) -> None:
    closed, other = replica(100), replica(100)
    closed.fails[""] = sending(b"invalid api key", 401)
    pool = pool_of(closed, other, clock=clock)
    for _ in range(50):
        pool.ask(read)
        clock.now += 1
    assert len(closed.asked) == 1
    with pytest.raises(Forbidden, match=r"rests for .* after: invalid api key"):
        pool.ask(read, but={"local-2"})
    clock.now += HOPELESS_REST
    del closed.fails[""]
    assert pool.ask(read, but={"local-2"}) == 3


def test_a_height_without_a_block_is_no_error(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100)]
    for each in replicas:
        each.fails["eth_getBlockByNumber"] = refusing(12, "requested epoch was a null round (50)")
    pool = pool_of(*replicas, clock=clock)
    assert pool.ask(lambda node: node.header(50)) is None
    assert sum(len(each.asked) for each in replicas) == 1


def test_a_method_that_is_off_is_remembered_and_tried_again_after_a_while(replica: StartReplica, clock: Clock) -> None:
    receipts = "eth_getBlockReceipts"
    only = replica(100)
    only.fails[receipts] = refusing(-32601, "the method eth_getBlockReceipts does not exist")
    pool = pool_of(only, clock=clock)
    header = pool.header(50)
    assert header is not None
    for _ in range(3):
        with pytest.raises(MethodUnsupported):
            pool.ask(lambda node: node.receipts_logs(header))
    assert only.asked.count(receipts) == 1
    with pytest.raises(MethodUnsupported):
        pool.choose(Need(method=receipts))
    del only.fails[receipts]
    clock.now += OFF_FOR
    assert pool.ask(lambda node: node.receipts_logs(header), Need(method=receipts)) == []


def test_a_form_that_is_off_leaves_the_method_on(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    only.fails[LOGS] = refusing(-32701, "Please specify address in your request")
    pool = pool_of(only, clock=clock)
    with pytest.raises(MethodUnsupported):
        pool.ask(read, Need(method="eth_getLogs by topic"))
    del only.fails[LOGS]
    with pytest.raises(MethodUnsupported):
        pool.ask(read, Need(method="eth_getLogs by topic"))
    assert pool.ask(read, Need(method="eth_getLogs by address")) == 3


def test_pruned_history_is_remembered_and_an_archive_is_asked(replica: StartReplica, clock: Clock) -> None:
    pruned, archive = replica(5000), replica(5000)
    pruned.fails[LOGS] = refusing(4444, "pruned history unavailable")
    pool = pool_of(pruned, archive, clock=clock)
    pool.newest()
    need = Need(first=10, last=12)
    for _ in range(20):
        pool.ask(read, need)
    assert pruned.asked.count(LOGS) == 1
    assert pool.limits()["local-1"].pruned_below == 11
    with pytest.raises(Pruned, match="needs an archive"):
        pool.choose(need, but={"local-2"})
    assert pool.choose(Need(first=11, last=12), but={"local-2"}).label == "local-1"
    clock.now += HOUR
    assert pool.choose(need, but={"local-2"}).label == "local-1", "an archive may have been added"


def test_a_node_that_lags_is_not_taken_for_a_pruned_one(replica: StartReplica, clock: Clock) -> None:
    only = replica(100)
    only.fails[LOGS] = refusing(-32000, "header not found")
    pool = pool_of(only, clock=clock)
    pool.newest()
    with pytest.raises(Pruned):
        pool.ask(read, Need(first=10, last=12))
    assert pool.limits()["local-1"].pruned_below is None


def test_no_endpoint_is_asked_beyond_its_own_head(replica: StartReplica, clock: Clock) -> None:
    lagging, ahead = replica(11), replica(100)
    pool = pool_of(lagging, ahead, clock=clock)
    for _ in range(60):
        assert pool.ask(read, Need(first=10, last=12)) == 3
        clock.now += 1
    assert LOGS not in lagging.asked
    assert len(lagging.asked) <= 1, "it is not asked for its head either where another will do"
    with pytest.raises(BlockUnknown, match="block 12 is beyond its head 11"):
        pool.ask(read, Need(last=12), but={"local-2"})
    lagging.head = 12
    clock.now += 5
    assert pool.ask(read, Need(last=12), but={"local-2"}) == 3


def test_logs_that_come_late_are_asked_for_late(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(12), clock=clock)
    pool.members[0].limits.delay_logs(2, clock.wall())
    assert pool.choose(Need(last=12)).label == "local-1"
    assert pool.choose(Need(last=10, method="eth_getLogs by topic")).label == "local-1"
    with pytest.raises(BlockUnknown):
        pool.choose(Need(last=11, method="eth_getLogs by topic"))


def test_a_quarantined_block_is_asked_elsewhere_for_a_while(replica: StartReplica, clock: Clock) -> None:
    pool = pool_of(replica(100), replica(100), clock=clock)
    pool.quarantine("local-1", 11, Refused("a text nobody knows", endpoint="local-1"))
    assert {pool.choose(Need(first=10, last=12)).label for _ in range(50)} == {"local-2"}
    with pytest.raises(Refused, match="a text nobody knows"):
        pool.choose(Need(first=11, last=11), but={"local-2"})
    assert pool.choose(Need(first=12, last=12), but={"local-2"}).label == "local-1"
    clock.now += FIRST_QUARANTINE
    assert pool.choose(Need(first=11, last=11), but={"local-2"}).label == "local-1"


def test_a_header_that_one_lacks_comes_from_another(replica: StartReplica, clock: Clock) -> None:
    holey, whole = replica(100), replica(100)
    holey.lacks = {50, 51}
    pool = pool_of(holey, whole, clock=clock)
    found = [pool.header(50), pool.header_by_hash(hash_of(50)), *pool.headers([49, 50, 51])]
    assert [header.number for header in found if header is not None] == [50, 50, 49, 50, 51]
    whole.lacks = {50}
    assert pool.header(50) is None
    assert pool.header_by_hash(hash_of(50, 3)) is None
    assert [header and header.number for header in pool.headers([49, 50])] == [49, None]


def test_all_are_asked_and_each_has_its_own_error(replica: StartReplica, clock: Clock) -> None:
    replicas = [replica(100), replica(100), replica(11), replica(100)]
    replicas[1].fails[LOGS] = UNKNOWN
    pool = pool_of(*replicas, clock=clock)
    pool.quarantine("local-4", 12, Refused("no"))
    answers = pool.ask_all(read, Need(first=10, last=12))
    assert [(member.label, answer if isinstance(answer, int) else type(answer)) for member, answer in answers] == [
        ("local-1", 3),
        ("local-2", Refused),
        ("local-3", BlockUnknown),
    ]


@pytest.mark.parametrize("answer", [refusing(-32005, "response is too big"), sending(b"<html>")])
def test_the_largest_batch_is_learned(answer: Answer, replica: StartReplica, clock: Clock) -> None:
    only = replica(600)
    only.largest_batch = 10, answer
    pool = pool_of(only, clock=clock)
    assert None not in pool.headers(range(500))
    assert None not in pool.headers(range(500))
    batches = [len(each) for each in only.node.asked if isinstance(each, list)]
    assert pool.limits()["local-1"].batch == 6
    assert max(batches[-20:]) == 6


@pytest.mark.parametrize(
    ("classes", "order", "first"),
    [
        ([Pruned, BlockUnknown], LACKING, BlockUnknown),  # that passes by itself
        ([Pruned, MethodUnsupported], LACKING, Pruned),
        ([WrongChain, Transport], LACKING, Transport),
        ([Transport, BlockUnknown], ANSWERED, BlockUnknown),
        ([Inconsistent, Throttled], ANSWERED, Inconsistent),
        ([Throttled, QuotaSpent], ANSWERED, QuotaSpent),
        ([RpcError, Transport], ANSWERED, Transport),
    ],
)
def test_of_several_errors_the_most_telling_is_raised(
    classes: list[type[RpcError]], order: tuple[type[RpcError], ...], first: type[RpcError]
) -> None:
    assert type(most_telling([kind("text") for kind in classes], order)) is first
