"""What a task's function does to its thread and its session is of its own run: the next one finds none of it."""

import asyncio
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection

from indexer.tasks.declaring import Counts, Retry, Run, Task, task
from indexer.tasks.models import Partition
from indexer.tasks.queueing import enqueue
from tests.tasks.test_a_run_goes_where_its_function_says import carry

pytestmark = pytest.mark.usefixtures("line")
Declared = Callable[[Task], None]


@pytest.mark.parametrize(
    "setting",
    [
        "SET default_transaction_read_only TO on",
        "SET statement_timeout TO '1ms'",
        "SET idle_in_transaction_session_timeout TO '1ms'",
        "SET TIME ZONE 'Asia/Tokyo'",
    ],
)
def test_a_setting_of_its_session(declared: Declared, setting: str) -> None:
    @task(retry=Retry(attempts=1))
    def odd(run: Run) -> Counts:
        with connection.cursor() as cursor:
            cursor.execute("SHOW TIME ZONE")
            assert cursor.fetchone() == ("UTC",)
            cursor.execute(setting)
        return Counts(created=1)

    declared(odd)
    for _ in range(2):
        run = carry(enqueue("odd"))
        assert (run.state, run.error) == ("succeeded", "")


@pytest.mark.parametrize("raised", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, SystemExit])
def test_what_would_end_a_thread_is_an_error(declared: Declared, raised: type[BaseException]) -> None:
    @task(retry=Retry(attempts=1))
    def odd(run: Run) -> Counts:
        raise raised("so there")

    declared(odd)
    run = carry(enqueue("odd"))
    assert (run.state, run.error) == ("failed", f"{raised.__name__}: so there")


def test_a_partition_that_would_end_its_process_takes_no_other_with_it(declared: Declared) -> None:
    def list_two(first: date | None, last: date | None) -> list[str]:
        return ["a", "b"]

    @task(partitions=list_two, retry=Retry(attempts=1))
    def odd(run: Run, key: str) -> None:
        if key == "a":
            raise SystemExit(3)

    declared(odd)
    assert carry(enqueue("odd")).error == "PartitionsFailed: 1 of 2 partitions failed"
    found = Partition.objects.order_by("key").values_list("state", "error")
    assert list(found) == [("failed", "SystemExit: 3"), ("complete", "")]
