"""Threads that work on columns of logs do so one after the other, also where one of them fails."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from indexer.rpc import in_turn


def test_work_on_many_logs_is_done_in_turn() -> None:
    at_work: list[int] = []
    most = 0

    @in_turn
    def work(number: int) -> int:
        nonlocal most
        at_work.append(number)
        most = max(most, len(at_work))
        sleep(0.002)
        at_work.remove(number)
        return number

    @in_turn
    def other_work(number: int) -> int:
        return work.__wrapped__(number)  # type: ignore[attr-defined, no-any-return]

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit((work, other_work)[number % 2], number) for number in range(20)]
        assert [each.result() for each in done] == list(range(20))
    assert most == 1


def test_who_fails_gives_the_turn_to_the_next() -> None:
    @in_turn
    def fail() -> None:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fail()
