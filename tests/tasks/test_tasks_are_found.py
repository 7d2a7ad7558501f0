import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

from indexer.tasks.declaring import TaskError, task
from indexer.tasks.registry import find, load_task, pick_task, tasks


def test_every_file_of_scheduled_is_one() -> None:
    assert find("prune-runs") is tasks()["prune-runs"]
    assert find("prune-runs").words == (
        "Runs that were over longer ago than the live setting tasks.keep_days says are forgotten, with their log lines."
    )


def test_near_names_are_told() -> None:
    with pytest.raises(TaskError, match="did you mean prune-runs"):
        find("prune_runs")


def test_a_file_that_is_no_task_says_why() -> None:
    module = ModuleType("somewhere.scheduled.other")
    with pytest.raises(TaskError, match="declares 0 tasks"):
        pick_task(module)

    def mine(run: object) -> None: ...

    mine.__module__ = module.__name__
    vars(module)["mine"] = task()(mine)
    with pytest.raises(TaskError, match=r"name the function other, as its file is, or the file mine\.py"):
        pick_task(module)
    with pytest.raises(TaskError, match="cannot be imported: ModuleNotFoundError"):
        load_task("nobody.has.this")


def test_what_its_import_says_is_told_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaky_file.py").write_text(f"raise ValueError({settings.SECRET_KEY!r})")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TaskError, match=r"leaky_file cannot be imported: ValueError: \*\*\*"):
        load_task("leaky_file")


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("priority='high'", "priority='high' cannot be: it is one of Priority"),
        ("priority=5", "priority=5 cannot be: it is one of Priority"),
        ("fresh_for=3600", "fresh_for=3600 cannot be: it is a timedelta"),
        ("retry=5", "retry=5 cannot be: it is a Retry"),
        ("time_limit=None", "time_limit=None cannot be: it is a number of seconds"),
        ("time_limit=0", "time_limit=0 cannot be: it is more than no time"),
        ("every='60'", "every='60' cannot be: it is a number of seconds"),
        ("cron=5", "cron=5 cannot be: it is a text"),
        ("budgets='prices'", "budgets='prices' cannot be: it is names of APIs"),
        ("budgets=(5,)", r"budgets=\(5,\) cannot be: it is names of APIs"),
        (f"cron='{','.join(map(str, range(60)))} * * * *'", "has 177 characters: 100 at most"),
    ],
)
def test_a_declaration_that_others_would_stumble_over_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str, words: str
) -> None:
    (tmp_path / "odd_file.py").write_text(
        f"from indexer.tasks.declaring import task\n@task({declared})\ndef odd_file(run): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_file", raising=False)
    with pytest.raises(TaskError, match=f"odd_file: .*{words}"):
        load_task("odd_file")
