"""What a task's function has to be, and what it may give: a run whose records nobody knows has not succeeded."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from typing import Any

import pytest

from indexer.tasks.declaring import Counts, LooseRun, Retry, Run, Task, TaskError, task
from indexer.tasks.partitions import read_keys
from indexer.tasks.queueing import enqueue
from tests.tasks.test_a_run_goes_where_its_function_says import carry


async def later(run: Run) -> Counts:
    return Counts(created=5)


def piecemeal(run: Run) -> Iterator[Counts]:
    yield Counts(created=5)


async def drop_by_drop(run: Run) -> AsyncIterator[Counts]:
    yield Counts(created=5)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (later, "later is an async function"),
        (piecemeal, "piecemeal is a generator"),
        (drop_by_drop, "drop_by_drop is an async generator"),
    ],
)
def test_a_function_that_only_begins_when_it_is_called_is_refused(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(TaskError, match=f"{words}, which does nothing when it is called"):
        task()(function)


def test_partitions_are_of_one_run_at_once() -> None:
    def list_none(first: date | None, last: date | None) -> list[str]:
        return []

    with pytest.raises(TaskError, match="a task with partitions is alone"):
        task(partitions=list_none, alone=False)


@pytest.mark.parametrize("listed", ["north", [1, 2], ["north", ""], ["n" * 201]])
def test_what_is_no_key_of_a_partition_is_an_error(listed: Any) -> None:
    with pytest.raises(TypeError, match="key"):
        read_keys(listed)


def test_a_key_is_listed_once() -> None:
    assert read_keys(iter(["north", "east", "north"])) == ["north", "east"]


@pytest.mark.parametrize("given", [{"created": 5}, (5, 0, 0, 0, 0), 5, later])
def test_anything_but_counts_is_an_error(given: object) -> None:
    task_of = task()(lambda run: given)
    with pytest.raises(TypeError, match="a task gives Counts, or nothing"):
        task_of(LooseRun())


def test_nothing_is_no_records() -> None:
    assert task()(lambda run: None)(LooseRun()) == Counts()


def test_its_run_fails(declared: Callable[[Task], None]) -> None:
    @task(retry=Retry(attempts=1))
    def odd(run: Run) -> dict[str, int]:
        return {"created": 5}

    declared(odd)
    run = carry(enqueue("odd"))
    assert (run.state, run.error) == ("failed", "TypeError: odd has given dict: a task gives Counts, or nothing")
