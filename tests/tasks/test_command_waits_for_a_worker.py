"""`manage.py tasks run --wait` with a real worker: it follows the run, and leaves as that has ended."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from indexer.chains.connections import Connection
from indexer.tasks.models import TaskRun
from tests.tasks.worker import wait_for, working

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("line")]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("tasks", *arguments, stdout=out)
    return out.getvalue()


def test_whoever_waits_sees_it_get_on_and_leaves_with_it(line: Connection, tmp_path: Path) -> None:
    with working(tmp_path):
        said = run("run", "count-up", "--param", "steps=5", "--param", "pause=0.3", "--wait", "--timeout", "60")
        assert said.splitlines()[-1].endswith("of count-up: succeeded, 5 created")
        with pytest.raises(CommandError, match=r"has failed: `manage\.py tasks status") as failed:
            run("run", "stumble", "--param", "times=9", "--wait", "--timeout", "60")
        assert failed.value.returncode == 1
        with pytest.raises(CommandError, match=r"is (running|queued) still") as waiting:
            run("run", "count-up", "--param", "steps=100", "--param", "pause=0.3", "--wait", "--timeout", "2")
        assert waiting.value.returncode == 75
        newest = TaskRun.objects.order_by("-id")[0]
        assert "ends at its next step" in run("cancel", str(newest.pk))
        wait_for(newest, "cancelled")
