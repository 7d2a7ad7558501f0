"""Finds tasks: each file in the folder `scheduled` of an installed app is one, called as its file is, with - for _."""

import importlib
from functools import cache
from types import ModuleType
from typing import NamedTuple

from django.conf import settings

from indexer.tasks.cron import check
from indexer.tasks.declaring import NoSuchTask, Task, TaskError
from indexer.workers.near import hint_at
from indexer.workers.registry import SCHEDULED, modules_in, name_of

LONGEST = 100
"""Characters of a task's name, and of its cron line, as the tables have them."""


class Broken(NamedTuple):
    """A file that should be a task and is none, and why."""

    name: str
    module: str
    words: str


class Loaded(NamedTuple):
    tasks: dict[str, Task]
    broken: list[Broken]


def tasks() -> dict[str, Task]:
    """All that can run, by name."""
    return load().tasks


def broken() -> list[Broken]:
    """The files that cannot be tasks; they stop nobody but themselves."""
    return load().broken


def find(name: str) -> Task:
    """Raises NoSuchTask, with near names, or TaskError with what is wrong with the file of that name."""
    known = tasks()
    if name in known:
        return known[name]
    for each in broken():
        if each.name == name:
            raise TaskError(each.words)
    raise NoSuchTask(f"there is no task {name!r}; {hint_at(name, known)}")


@cache
def load() -> Loaded:
    """Import every task's file, once in a process."""
    found: dict[str, Task] = {}
    broken: list[Broken] = []
    for module in sorted(modules_in(SCHEDULED)):
        name = name_of(module)
        try:
            task = load_task(module)
            if name in found:
                raise TaskError(
                    f"{module} is called {name}, as {found[name].function.__module__} is: rename one of the files"
                )
            found[name] = task
        except TaskError as error:
            broken.append(Broken(name, module, str(error)))
    return Loaded(dict(sorted(found.items())), broken)


def load_task(module: str) -> Task:
    """Raises TaskError with what is wrong with the file."""
    try:
        task = pick_task(importlib.import_module(module))
        if task.cron or task.every is not None:
            check(task.cron, task.every)
        if len(task.cron) > LONGEST:
            raise TaskError(f"cron {task.cron!r} has {len(task.cron)} characters: {LONGEST} at most")
        return task
    except TaskError as error:
        raise TaskError(f"{module}: {error}") from error
    except (Exception, SystemExit) as error:  # whatever the file does while it is imported
        words = settings.MASK(f"{type(error).__name__}: {error}")
        raise TaskError(f"{module} cannot be imported: {words}") from error


def pick_task(module: ModuleType) -> Task:
    """The one task that a file declares; those that it imports are others'. Raises TaskError."""
    declared = [thing for thing in vars(module).values() if isinstance(thing, Task)]
    own = [task for task in declared if task.function.__module__ == module.__name__]
    if len(own) != 1:
        raise TaskError(f"it declares {len(own)} tasks: a file is one task, a function with @task")
    stem = module.__name__.rpartition(".")[2]
    function = own[0].function.__name__
    if function != stem:
        raise TaskError(f"it declares {function}: name the function {stem}, as its file is, or the file {function}.py")
    if len(stem) > LONGEST:
        raise TaskError(f"its name has {len(stem)} characters: {LONGEST} at most")
    return own[0]
