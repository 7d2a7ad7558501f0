"""`manage.py workers`: what it tells, what it does itself, what it leaves to others."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.workers.models import WorkerEvent, WorkerOrder
from indexer.workers.states import State
from tests.processes import PATIENCE, PROJECT, environment, wait_until
from tests.workers.overseen import oversee
from tests.workers.rows import runtime, tell

__all__ = ["runtime"]


def workers(run_dir: Path, *arguments: str) -> tuple[str, str]:
    """What it printed, and what it failed with."""
    out, error = StringIO(), ""
    try:
        call_command("workers", "--run-dir", str(run_dir), *arguments, stdout=out, stderr=StringIO())
    except CommandError as failed:
        error = str(failed)
    return out.getvalue(), error


def test_status_is_a_table_and_fails_when_one_is_not_well(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "worker-hilltop", memory=120_000_000, items_per_minute=1234.5, latency=0.5)
    out, error = workers(run_dir, "status")
    heading, line = out.splitlines()
    assert heading.split()[:3] == ["NAME", "STATE", "SINCE"]
    assert " ".join(line.split()) == "worker-hilltop healthy 10 min – 0% 1,234.5 500 ms 0 120 MB"
    assert error == ""
    tell(runtime, "prices", said=State.MISCONFIGURED, why="PRICES_KEY is not set", needs_person="look")
    out, error = workers(run_dir, "status")
    assert "PRICES_KEY is not set; look" in out
    assert error == "not well: prices"


def test_status_for_programs(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "worker-hilltop")
    out, _ = workers(run_dir, "status", "--json")
    told = json.loads(out)
    assert [(worker["name"], worker["state"], worker["healthy"]) for worker in told["workers"]] == [
        ("worker-hilltop", "healthy", True)
    ]
    assert "supervisord does not answer" in told["unknown"][0]


def test_names_that_nobody_has_are_refused_with_near_ones(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "prices")
    assert workers(run_dir, "stop", "price")[1] == "there is no worker 'price'; did you mean prices?"
    assert workers(run_dir, "logs", "zzz")[1] == "there is no worker 'zzz'; there are prices"
    assert not WorkerOrder.objects.exists()


def test_without_a_supervisord_an_order_is_left(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "prices")
    out, error = workers(run_dir, "restart", "prices", "--why", "new key")
    assert out.startswith("prices: ordered; the overseer of its machine will restart it")
    assert error == ""
    (order,) = WorkerOrder.objects.all()
    assert (order.worker, order.action, order.why, order.done_at) == ("prices", "restart", "new key", None)
    assert order.actor.startswith("shell:")
    assert AuditEntry.objects.get().outcome == f"order {order.pk} (new key)"
    assert workers(run_dir, "restart", "prices")[0].startswith("prices: ordered already; ")
    assert WorkerOrder.objects.count() == 1


def test_of_two_machines_one_must_be_named(runtime: Connection, run_dir: Path) -> None:
    tell(runtime, "prices", host="a")
    tell(runtime, "prices@b", host="b")
    assert workers(run_dir, "stop", "prices") == ("", "prices is on 2 machines: say prices@a or prices@b")
    assert not WorkerOrder.objects.exists()
    for host in ("a", "b"):
        assert "the overseer of its machine will stop it" in workers(run_dir, "stop", f"prices@{host}")[0]
    assert list(WorkerOrder.objects.order_by("id").values_list("worker", flat=True)) == ["prices", "prices@b"]
    out, error = workers(run_dir, "restart", "all")
    assert (len(out.splitlines()), error) == (2, "")


def test_a_database_that_is_away_is_said(run_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "workers", "--run-dir", str(run_dir), "status"],
        cwd=PROJECT,
        env=environment({}) | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"},
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "not known: what the workers say, as the database is away" in done.stderr
    assert "not known: supervisord does not answer on" in done.stderr


@pytest.mark.slow
def test_it_steers_the_supervisord_of_its_machine(runtime: Connection, run_dir: Path) -> None:
    with oversee(runtime, run_dir, ["prices"]) as scene:
        pid = scene.process("prices").pid
        assert workers(run_dir, "restart", "prices", "--why", "tired") == ("prices: started again\n", "")
        scene.wait_for("prices", State.HEALTHY)
        assert scene.process("prices").pid not in (0, pid)
        assert workers(run_dir, "start", "prices") == ("prices: it runs already\n", "")
        assert workers(run_dir, "stop", "all") == ("prices: stopped\n", "")
        scene.wait_for("prices", State.STOPPED)
        assert [
            (event.words, event.actor[:6]) for event in WorkerEvent.objects.filter(what="order").order_by("id")
        ] == [
            ("restart: started again (tired)", "shell:"),
            ("start: it runs already", "shell:"),
            ("stop: stopped", "shell:"),
        ]
        assert list(AuditEntry.objects.order_by("id").values_list("action", "outcome")) == [
            ("restart worker", "started again"),
            ("start worker", "it runs already"),
            ("stop worker", "stopped"),
        ]
        out, error = workers(run_dir, "status")
        assert error == ""
        assert [line.split()[0] for line in out.splitlines()] == ["NAME", "overseer", "prices"]
        wait_until(lambda: scene.restarts("prices") == 0)
        assert scene.events("prices", "restart") == []
