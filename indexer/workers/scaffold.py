"""What `startworker` writes: the file of a new background worker or of a new task, and its test."""

import re
from keyword import iskeyword
from pathlib import Path
from typing import NamedTuple

from indexer.workers.registry import FOLDER, SCHEDULED, found, refuse_name

NAME_OF_ROOM = re.compile(r"[a-z][a-z0-9_]*")
LOWER_ROOMS = frozenset({"access", "chains", "rpc"})
ROOMS_WITHOUT_TASKS = LOWER_ROOMS | {"workers", "positions"}
"""They may not import indexer/tasks."""

TASK = '''"""{title}: what it does, in a sentence."""

from datetime import timedelta

from django.db import transaction

from indexer.tasks.declaring import Counts, Run, task


@task(cron="0 4 * * *", fresh_for=timedelta(hours=26))
def {stem}(run: Run, *, steps: int = 0) -> Counts:
    """What it does, in a sentence."""
    # A run that is taken over begins where it had got to, with what it had counted.
    begin, counts = (run.cursor["step"], Counts(*run.cursor["counts"])) if run.cursor else (0, Counts())
    for step in range(begin, steps):
        run.progress(step, steps)
        with transaction.atomic():
            counts += Counts(unchanged=1)
            run.save({{"step": step + 1, "counts": counts}})
    return counts
'''
TASK_TEST = '''"""The task {name}."""

import pytest

{imports}


def test_with_nothing_to_do_it_ends_well() -> None:
    assert {stem}(LooseRun()) == Counts()


@pytest.mark.django_db
def test_a_run_that_is_taken_over_counts_what_it_had_done() -> None:
    run = LooseRun({{"step": 2, "counts": Counts(unchanged=2)}})
    assert {stem}(run, steps=3) == Counts(unchanged=3)
    assert run.cursor == {{"step": 3, "counts": Counts(unchanged=3)}}
'''
LOOP = '''"""{title}: what it does, in a sentence."""

from indexer.workers.background import BackgroundWorker, Work
from indexer.workers.live import LiveSetting, declare

PAUSE = declare(LiveSetting("{setting}.pause", 5.0, "seconds between two looks", "s", 1, 3600))


class {title}(BackgroundWorker):
    def run(self, work: Work) -> None:
        while True:
            work.beat(self.step(work))
            work.pause(work.live.number(PAUSE))

    def step(self, work: Work) -> int:
        """A piece of work; the number of items that it has worked on."""
        work.log.info("nothing to do yet")
        return 0
'''
LOOP_TEST = '''"""The background worker {name}."""

import pytest

{imports}


def test_a_step_ends_well() -> None:
    assert {title}().step(Work()) == 0


def test_it_ends_when_there_is_no_more_work_to_take() -> None:
    work = Work()
    work.stop.set()
    with pytest.raises(Stopped):
        {title}().run(work)
'''


class ScaffoldError(Exception):
    """No such worker can be written; the text says why and what to do."""


class Scaffold(NamedTuple):
    """The files of a new worker or task, with their texts. Those of `packages` are empty, and made where missing."""

    file: Path
    text: str
    test: Path
    test_text: str
    packages: tuple[Path, ...]


def plan_worker(name: str, room: str, *, project: Path) -> Scaffold:
    """A background worker with a loop of its own. Raises ScaffoldError for a name or room that cannot be."""
    taken = {each.name: each.module for each in found()}
    if name in taken:
        raise ScaffoldError(f"there is a worker {name} already, {taken[name]}: choose another name")
    title = title_of(name)
    if room in LOWER_ROOMS:
        raise ScaffoldError(f"indexer/{room} lies below indexer/workers, and may not import it: choose another room")
    return plan(
        name,
        room,
        FOLDER,
        LOOP,
        LOOP_TEST,
        ("from indexer.workers.background import Stopped, Work", f"import {title}"),
        project,
    )


def plan_task(name: str, room: str, *, project: Path) -> Scaffold:
    """A task of scheduled work. Raises ScaffoldError for a name or room that cannot be."""
    stem = name.replace("-", "_")
    for file in sorted(project.glob(f"indexer/*/{SCHEDULED}/{stem}.py")):
        raise ScaffoldError(f"there is a task {name} already, {file.relative_to(project)}: choose another name")
    if room in ROOMS_WITHOUT_TASKS:
        raise ScaffoldError(f"indexer/{room} may not import indexer/tasks: choose another room, such as tasks")
    return plan(
        name,
        room,
        SCHEDULED,
        TASK,
        TASK_TEST,
        ("from indexer.tasks.declaring import Counts, LooseRun", f"import {stem}"),
        project,
    )


def plan(
    name: str, room: str, kind: str, text: str, test_text: str, imports: tuple[str, str], project: Path
) -> Scaffold:
    """`kind`: the folder; `imports` of the test: one as it is, and what it takes from the new file."""
    if refusal := refuse_name(name):
        raise ScaffoldError(refusal)
    stem, title = name.replace("-", "_"), title_of(name)
    if iskeyword(stem):
        raise ScaffoldError(f"{name!r} is a word of Python's own: choose another name")
    folder = project / "indexer" / room
    if not NAME_OF_ROOM.fullmatch(room) or not (folder / "__init__.py").is_file():
        rooms = sorted(path.parent.name for path in (project / "indexer").glob("*/apps.py"))
        raise ScaffoldError(f"there is no room {room!r} in indexer/: there are {', '.join(rooms)}")
    tests = project / "tests" / room
    taken = sorted([imports[0], f"from indexer.{room}.{kind}.{stem} {imports[1]}"])
    scaffold = Scaffold(
        file=folder / kind / f"{stem}.py",
        text=text.format(title=title, setting=stem, stem=stem),
        test=tests / f"test_{kind}_{stem}.py",
        test_text=test_text.format(name=name, imports="\n".join(taken), stem=stem, title=title),
        packages=(folder / kind / "__init__.py", tests / "__init__.py"),
    )
    for path in (scaffold.file, scaffold.test):
        if path.exists():
            raise ScaffoldError(f"{path} is there already: choose another name, or move it away")
    return scaffold


def title_of(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def write_scaffold(scaffold: Scaffold) -> None:
    """Raises OSError; a file that is there is never written over."""
    for package in scaffold.packages:
        package.parent.mkdir(exist_ok=True)
        package.touch()
    for path, text in ((scaffold.file, scaffold.text), (scaffold.test, scaffold.test_text)):
        with path.open("x") as file:
            file.write(text)
