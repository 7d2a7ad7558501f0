"""The questions together ask for every job's logs; by address no log is asked for that nobody watches."""

import json
from pathlib import Path

import pytest

from indexer.positions.definition import TRANSFER, Definition
from indexer.positions.questions import (
    ADDRESSES_PER_REQUEST,
    BYTES_PER_LOG,
    EXPLORE_EVERY,
    REQUEST_COST,
    Question,
    Way,
    ask_by_address,
    ask_by_topic,
    cheapest,
    ways_to_ask,
)
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import RangeEstimate

OTHER, THIRD = bytes([0x11]) * 32, bytes([0x22]) * 32


def watch(contract: int, topic0: bytes = TRANSFER, user_topic: int = 2) -> Definition:
    return Definition(contract.to_bytes(20), topic0, user_topic, None, None, None, None)


def named(*contracts: int) -> tuple[str, ...]:
    return tuple("0x" + contract.to_bytes(20).hex() for contract in contracts)


def hexed(*topics: bytes) -> tuple[str, ...]:
    return tuple("0x" + topic.hex() for topic in topics)


def asked(questions: list[Question]) -> set[tuple[str, str]]:
    pairs = [(contract, topic) for q in questions for contract in q.addresses or () for topic in q.topics]
    assert len(pairs) == len(set(pairs)), "asked for twice"
    return set(pairs)


def test_contracts_with_the_same_events_are_asked_together() -> None:
    jobs = [watch(1), watch(2), watch(2, OTHER), watch(3, OTHER), watch(4, OTHER), watch(4)]
    assert ask_by_address(jobs) == [
        Question(named(3), hexed(OTHER)),
        Question(named(2, 4), hexed(OTHER, TRANSFER)),
        Question(named(1), hexed(TRANSFER)),
    ]


def test_jobs_of_one_event_are_asked_once() -> None:
    assert ask_by_address([watch(1), watch(1, user_topic=1)]) == [Question(named(1), hexed(TRANSFER))]


def test_many_contracts_are_asked_in_slices() -> None:
    questions = ask_by_address([watch(number) for number in range(1, 1202)])
    assert [len(question.addresses or ()) for question in questions] == [500, 500, 201]
    assert asked(questions) == {(contract, *hexed(TRANSFER)) for contract in named(*range(1, 1202))}
    assert ADDRESSES_PER_REQUEST == 500


def test_by_topic_everybodys_events_are_one_question() -> None:
    jobs = [watch(1), watch(2, OTHER), watch(3, THIRD), watch(4)]
    assert ask_by_topic(jobs) == [Question(None, hexed(OTHER, THIRD, TRANSFER))]


def test_the_order_of_jobs_changes_no_question() -> None:
    jobs = [watch(number, topic0) for number in range(1, 9) for topic0 in (TRANSFER, OTHER)]
    assert ask_by_address(jobs) == ask_by_address(jobs[::-1])


def test_topics_alone_are_asked_only_where_addresses_take_several_questions() -> None:
    assert ways_to_ask([]) == []
    assert [way.name for way in ways_to_ask([watch(1), watch(2)])] == ["by address"]
    assert [way.name for way in ways_to_ask([watch(1), watch(2, OTHER)])] == ["by address", "by topic"]


@pytest.mark.parametrize("chain", ["ethereum", "base", "linea"])
def test_every_job_of_a_real_watch_list_is_asked_for(shared_data: Path, chain: str) -> None:
    entries = read_watch_list(json.loads((shared_data / "watchlists" / f"{chain}.json").read_text())).entries
    jobs = [entry.definition for entry in entries if entry.definition]
    want = {("0x" + job.contract.hex(), "0x" + job.topic0.hex()) for job in jobs}
    assert asked(ask_by_address(jobs)) == want
    assert set(ask_by_topic(jobs)[0].topics) == {topic for _, topic in want}
    most = len(want) // ADDRESSES_PER_REQUEST + len({topic for _, topic in want}) + 4
    assert len(ask_by_address(jobs)) <= most


def way(name: str, *questions: Question, size: int = 1000, logs: int | None = None) -> Way:
    """A way that asks for `size` blocks at once and, where it is measured, has found so many logs in 1,000 of them."""
    way = Way(name, list(questions) or [Question(None, ("t",))], RangeEstimate(size))
    if logs is not None:
        way.measured(1000, logs)
        way.asked_at = 1
    return way


def test_each_way_is_measured_before_one_is_preferred() -> None:
    unmeasured, measured = way("unmeasured"), way("measured", logs=0)
    assert cheapest([unmeasured, measured], 2, 10_000) is unmeasured
    assert cheapest([measured, unmeasured], 2, 10_000) is unmeasured
    # Its one request would weigh more than what the other costs for so few blocks.
    assert cheapest([measured, unmeasured], 2, 100) is measured


def test_a_way_is_tried_by_one_thread_only_before_it_is_measured() -> None:
    asked, other = way("asked"), way("other")
    asked.asked_at = 1
    assert cheapest([other, asked], 2, 100) is other


def test_the_cheaper_way_is_preferred_and_the_dearer_looked_at_again_after_a_while() -> None:
    cheap, dear = way("cheap", logs=0), way("dear", size=100, logs=0)
    for ranges in range(2, EXPLORE_EVERY + 1):
        cheap.asked_at = ranges - 1
        assert cheapest([dear, cheap], ranges, 10_000) is cheap
    assert cheapest([dear, cheap], EXPLORE_EVERY + 1, 10_000) is dear


def test_the_cost_is_that_of_requests_their_addresses_and_the_logs_that_came() -> None:
    assert way("topic", logs=300).cost(1000) == REQUEST_COST / 1000 + 0.3 * BYTES_PER_LOG
    # A range of fewer blocks takes a request all the same.
    assert way("topic", logs=300).cost(10) == REQUEST_COST / 10 + 0.3 * BYTES_PER_LOG
    few, many = Question(named(*range(10)), ("t",)), Question(named(*range(500)), ("t",))
    assert way("few", few, logs=0).cost(1000) < way("many", many, logs=0).cost(1000)


def test_what_was_found_long_ago_counts_little() -> None:
    quiet = way("topic", logs=1_000_000)
    for _ in range(30):
        quiet.measured(1000, 1)
    assert quiet.logs / quiet.blocks < 0.002
