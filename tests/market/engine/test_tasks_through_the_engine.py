"""The seven tasks of the market in real workers: by command, by schedule, and with workers that are killed."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from indexer.market.scheduled.sync_historical import list_pools
from indexer.tasks.models import Partition, Schedule, TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.states import ACTIVE
from tests.market.engine.team import Team, finish
from tests.market.engine.week import TASKS, forget_partitions, hesitating, left, lingering, live
from tests.market.syncs.tables import ask, drop_all_months, empty_market, one
from tests.processes import manage, run, wait_until
from tests.standin.server import StandIn

KILLS, HITS = 4, 3
"""How often a worker is killed in every run; how often, in the two runs that each task has, it must have been at work.

One more would be the fifth, after which a run has failed.
"""
pytestmark = pytest.mark.slow


def restore(standin: StandIn, rows: dict[str, list[bytes]]) -> None:
    for path, kept in rows.items():
        standin.table(path).rows = list(kept)
        standin.change(path, "set", field="tvl", first=0)


def newest(task: str) -> TaskRun:
    found = TaskRun.objects.filter(task=task).order_by("-pk").first()
    assert found is not None
    return found


def counts_of(runs: list[TaskRun]) -> list[tuple[str, int, int, int, int, int]]:
    return [(each.task, each.created, each.changed, each.unchanged, each.vanished, each.rejected) for each in runs]


def test_all_seven_run_by_command(team: Team, standin: StandIn) -> None:
    team.start(1)
    for name, params in TASKS.items():
        told = [f"--param={key}={value}" for key, value in params.items()]
        said = run("tasks", "run", name, "--wait", *told)
        assert "succeeded" in said
        assert newest(name).state == "succeeded"
    assert one("SELECT count(*) FROM pools") == 1000
    assert one("SELECT count(*) FROM protocols") == 200
    assert one("SELECT count(*) FROM contract_mappings WHERE confidence = 1.0 AND kind = 'pool'") > 0
    assert one("SELECT count(*) FROM watch_proposals WHERE state = 'proposed'") > 0
    assert one("SELECT count(*) FROM pool_daily_snapshots WHERE source = 'chart'") == 4 * 365 - 4
    assert one("SELECT pools FROM snapshot_days WHERE complete") == 1000
    run("tasks", "run", "sync-pools", "--wait")
    again = newest("sync-pools")
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1000)


def test_killed_in_every_task_the_tables_are_those_of_an_undisturbed_run(team: Team, standin: StandIn) -> None:
    original = {path: list(table.rows) for path, table in standin.llama.tables.items()}
    team.start(2)
    with lingering():
        undisturbed: list[TaskRun] = []
        live(lambda name, params: undisturbed.append(team.do(name, params)), standin)
        expected = left()
        empty_market()
        drop_all_months()
        forget_partitions()
        restore(standin, original)
        disturbed: list[TaskRun] = []
        live(lambda name, params: disturbed.append(team.disturb(name, params, KILLS)), standin)
    found = left()
    for table, rows in expected.items():
        assert found[table] == rows, table
    assert counts_of(disturbed) == counts_of(undisturbed)
    hits = Counter(each.task for each in team.kills)
    assert set(hits) == set(TASKS)
    assert min(hits.values()) >= HITS, hits


def test_killed_before_a_partition_is_complete_a_run_keeps_what_it_rejects_once(team: Team, standin: StandIn) -> None:
    team.start(1)
    for name in ("sync-protocols", "sync-pools"):
        team.do(name, {})
    (key,) = list_pools(None, None, limit=1)
    standin.table(f"/chart/{key}").read()
    standin.change(f"/chart/{key}", "set", field="tvlUsd", value="much", first=2)
    with hesitating():
        killed = enqueue("sync-historical", {"limit": 1})
        wait_until(lambda: bool(ask("SELECT 1 FROM rejected_rows")), 60)
        team.kill(killed)
        finish(killed)
    assert (killed.takeovers, killed.created, killed.rejected) == (1, 363, 2)
    assert ask("SELECT task, times FROM rejected_rows") == [("sync-historical", 1)] * 2
    assert Partition.objects.get().state == "complete"


def test_schedules_fall_due_before_four_workers(team: Team, standin: StandIn) -> None:
    """Each of them keeps the schedules, and takes runs."""
    team.start(1)
    for name, params in TASKS.items():
        run("tasks", "run", name, "--wait", *(f"--param={key}={value}" for key, value in params.items()))
    team.start(3)
    before = Counter(standin.asked)
    for name, params in TASKS.items():
        Schedule.objects.filter(name=name).update(cron="", every=2.0, params=params, next_at=datetime.now(UTC))

    def succeeded(name: str) -> int:
        return TaskRun.objects.filter(schedule__name=name, state="succeeded").count()

    wait_until(lambda: all(succeeded(name) >= 4 for name in TASKS), 120)
    Schedule.objects.update(paused=True)
    wait_until(lambda: not TaskRun.objects.filter(state__in=sorted(ACTIVE)).exists(), 60)
    for name in TASKS:
        runs = list(TaskRun.objects.filter(schedule__name=name).order_by("started_at"))
        assert {each.state for each in runs} == {"succeeded"}
        assert {(each.claim, each.attempt) for each in runs} == {(1, 1)}
        assert all(
            first.finished_at and second.started_at and first.finished_at <= second.started_at
            for first, second in pairwise(runs)
        )
    # What the source was asked says how often they were really done.
    asked = Counter(standin.asked) - before
    paths = {"sync-chains": "/v2/chains", "sync-protocols": "/protocols", "sync-pools": "/pools"}
    assert {name: asked[path] for name, path in paths.items()} == {name: succeeded(name) for name in paths}
    assert not ask("SELECT 1 FROM procrastinate_jobs")


def test_a_backfill_resumes_only_what_has_failed(team: Team, standin: StandIn) -> None:
    team.start(1)
    for name in ("sync-protocols", "sync-pools"):
        run("tasks", "run", name, "--wait")
    today = datetime.now(UTC).date()
    days = ("--from", today - timedelta(days=100), "--to", today - timedelta(days=10))
    wanted = [key for (key,) in ask("SELECT id::text FROM pools WHERE tvl IS NOT NULL ORDER BY tvl DESC, id LIMIT 6")]
    broken = wanted[1:5:2]
    for key in broken:
        standin.fail(f"/chart/{key}", status=500, text="no", times=None)
    said = manage("tasks", "backfill", "sync-historical", *days, "--param=limit=6", "--wait", "--timeout=20")
    first = newest("sync-historical")
    assert said.returncode == 75, said.stdout + said.stderr
    assert (first.state, first.error) == ("waiting", "PartitionsFailed: 2 of 6 partitions failed")
    states = dict(Partition.objects.values_list("key", "state"))
    assert states == {key: "failed" if key in broken else "complete" for key in wanted}
    run("tasks", "cancel", first.pk)
    standin.forgive()
    before = Counter(standin.asked)
    run("tasks", "backfill", "sync-historical", *days, "--param=limit=6", "--wait")
    assert Counter(standin.asked) - before == Counter(f"/chart/{key}" for key in broken)
    assert set(Partition.objects.values_list("state", "error")) == {("complete", "")}
    assert one("SELECT count(*) FROM pool_daily_snapshots") == 6 * 91
    assert finish(newest("sync-historical")).created == 2 * 91
