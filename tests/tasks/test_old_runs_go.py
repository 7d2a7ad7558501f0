from datetime import UTC, datetime

from indexer.chains.connections import Connection
from indexer.tasks.models import TaskLine, TaskRun
from indexer.tasks.queueing import enqueue
from tests.tasks.test_a_run_goes_where_its_function_says import carry


def test_old_runs_go_but_for_the_newest_success(line: Connection) -> None:
    old, newest = (carry(enqueue("count-up")) for _ in range(2))
    kept = carry(enqueue("stumble", {"times": 0}))
    TaskRun.objects.filter(pk__in=[old.pk, newest.pk]).update(finished_at=datetime(2020, 1, 1, tzinfo=UTC))
    pruned = carry(enqueue("prune-runs"))
    assert (pruned.state, pruned.vanished) == ("succeeded", 1)
    assert set(TaskRun.objects.values_list("pk", flat=True)) == {newest.pk, kept.pk, pruned.pk}
    assert not TaskLine.objects.filter(run=old.pk).exists()
