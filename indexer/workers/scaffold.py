"""What `startworker` writes: a new background worker's file, and its test."""

import re
from keyword import iskeyword
from pathlib import Path
from typing import NamedTuple

from indexer.workers.registry import FOLDER, found, refuse_name

NAME_OF_ROOM = re.compile(r"[a-z][a-z0-9_]*")
LOWER_ROOMS = frozenset({"access", "chains", "rpc"})

TASK = '''"""{title}: what it does, in a sentence."""

from indexer.workers.background import Work, worker
from indexer.workers.live import LiveSetting

EVERY = LiveSetting("{setting}.every", 60.0, "seconds from one run to the next", "s", 1, 86_400)


@worker(every=EVERY)
def {stem}(work: Work) -> int:
    """One run; the number of items that it has worked on."""
    work.log.info("nothing to do yet")
    return 0
'''
TASK_TEST = '''"""The background worker {name}."""

{imports}


def test_a_run_ends_well() -> None:
    assert {stem}(Work()) == 0
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
    """The files of a new worker, with their texts. Those of `packages` are empty, and made where they are missing."""

    worker: Path
    worker_text: str
    test: Path
    test_text: str
    packages: tuple[Path, ...]


def plan_worker(name: str, room: str, *, task: bool, project: Path) -> Scaffold:
    """Raises ScaffoldError for a name that is bad or taken, and for a room that is not there."""
    if refusal := refuse_name(name):
        raise ScaffoldError(refusal)
    stem = name.replace("-", "_")
    title = "".join(part.capitalize() for part in name.split("-"))
    if iskeyword(stem):
        raise ScaffoldError(f"{name!r} is a word of Python's own: choose another name")
    taken = {each.name: each.module for each in found()}
    if name in taken:
        raise ScaffoldError(f"there is a worker {name} already, {taken[name]}: choose another name")
    folder = project / "indexer" / room
    if not NAME_OF_ROOM.fullmatch(room) or not (folder / "__init__.py").is_file():
        rooms = sorted(path.parent.name for path in (project / "indexer").glob("*/apps.py"))
        raise ScaffoldError(f"there is no room {room!r} in indexer/: there are {', '.join(rooms)}")
    if room in LOWER_ROOMS:
        raise ScaffoldError(f"indexer/{room} lies below indexer/workers, and may not import it: choose another room")
    tests = project / "tests" / room
    package = f"indexer.{room}.{FOLDER}"
    imports = sorted(
        [
            f"from indexer.workers.background import {'Work' if task else 'Stopped, Work'}",
            f"from {package}.{stem} import {stem if task else title}",
        ]
    )
    scaffold = Scaffold(
        worker=folder / FOLDER / f"{stem}.py",
        worker_text=(TASK if task else LOOP).format(title=title, setting=stem, stem=stem),
        test=tests / f"test_background_{stem}.py",
        test_text=(TASK_TEST if task else LOOP_TEST).format(
            name=name, imports="\n".join(imports), stem=stem, title=title
        ),
        packages=(folder / FOLDER / "__init__.py", tests / "__init__.py"),
    )
    for path in (scaffold.worker, scaffold.test):
        if path.exists():
            raise ScaffoldError(f"{path} is there already: choose another name, or move it away")
    return scaffold


def write_scaffold(scaffold: Scaffold) -> None:
    """Raises OSError; a file that is there is never written over."""
    for package in scaffold.packages:
        package.parent.mkdir(exist_ok=True)
        package.touch()
    for path, text in ((scaffold.worker, scaffold.worker_text), (scaffold.test, scaffold.test_text)):
        with path.open("x") as file:
            file.write(text)
