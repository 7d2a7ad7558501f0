"""What Prometheus is shown of tasks."""

from django.db import connection as django_connection
from prometheus_client.core import Metric

from indexer.chains.connections import Connection
from indexer.tasks.exposition import read_figures, show_tasks
from indexer.tasks.statuses import read_tasks
from tests.tasks.told import tell_partition, tell_run, told

__all__ = ["told"]


def shown() -> dict[tuple[str, ...], float]:
    """By name and labels."""
    with django_connection.cursor() as cursor:
        figures = read_figures(cursor)
    metrics: list[Metric] = list(show_tasks(read_tasks(), figures))
    return {
        (sample.name.removeprefix("footprint_task_"), *sample.labels.values()): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_runs_records_and_freshness_are_shown(told: Connection) -> None:
    before = shown()
    assert before["stale", "count-sheep"] == 1
    assert ("last_success_seconds", "count-sheep") not in before
    tell_run(told, "count-sheep", "failed")
    tell_run(told, "count-sheep", "succeeded", created=12, rejected=1)
    after = shown()
    assert after["stale", "count-sheep"] == 0
    assert ("stale", "shear-sheep") not in after
    assert after["last_success_seconds", "count-sheep"] == 60
    assert (after["records", "count-sheep", "created"], after["records", "count-sheep", "rejected"]) == (12, 1)
    assert [after["runs", "count-sheep", state] for state in ("succeeded", "failed", "running")] == [1, 1, 0]


def test_the_line_the_partitions_and_the_limits_are_shown(told: Connection) -> None:
    tell_run(told, "count-sheep", "queued", priority=30, queued_at=50.0)
    tell_run(told, "shear-sheep", "queued", priority=10, queued_at=20.0)
    tell_partition(told, "north", "complete")
    tell_partition(told, "south", "failed")
    told.execute(
        "INSERT INTO public.api_limits (api, next_at, hold_until, day, used) VALUES "
        "('grass', now(), now() + interval '60 s', (now() AT TIME ZONE 'UTC')::date, 7), "
        "('hay', now(), NULL, '2020-01-01', 9)"
    )
    found = shown()
    assert [found["queued", label] for label in ("immediate", "high", "medium", "low")] == [1, 0, 1, 0]
    assert 50 <= found["queue_seconds",] < 60
    assert [found["partitions", "plough-fields", state] for state in ("complete", "failed", "missing")] == [1, 1, 0]
    assert (found["api_requests", "grass"], found["api_requests", "hay"]) == (7, 0)
    assert 50 < found["api_held_seconds", "grass"] <= 60
    assert found["api_held_seconds", "hay"] == 0
