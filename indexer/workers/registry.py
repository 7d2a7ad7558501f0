"""Finds background workers: each file in the folder `background` of an installed app is one, and is called as its file.

Finding them imports none of them, so that a file which cannot be imported stops nobody but its own worker.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType
from typing import NamedTuple

from django.apps import apps

from indexer.workers.background import BackgroundWorker, Misconfigured, Task
from indexer.workers.live import declare, flag_of
from indexer.workers.near import hint_at

FOLDER = "background"
SCHEDULED = "scheduled"
"""The folder of a room's tasks, which are found in the same way."""
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 60
"""Characters of a worker's name, as the tables have them."""
RESERVED = frozenset({"all", "chains", "overseer", "supervisor", "supervisord", "web"})
RESERVED_BEGINNINGS = ("worker-", "historic-")
"""What chains' workers and their helpers are called."""


class UnknownWorker(Exception):
    """There is no background worker of that name; the text names those that there are."""


class Found(NamedTuple):
    """A background worker's name and the dotted path of its file."""

    name: str
    module: str


class Broken(NamedTuple):
    """A background worker that cannot work, and why."""

    name: str
    module: str
    words: str


def found() -> list[Found]:
    """All background workers by name. Of two with the same name the one of the app that is installed first."""
    return sorted({each.name: each for each in reversed(list(list_files()))}.values())


def list_files() -> Iterator[Found]:
    """Every file that is a worker, those that share a name with another one, too."""
    for module in modules_in(FOLDER):
        yield Found(name_of(module), module)


def modules_in(folder: str) -> Iterator[str]:
    """The dotted paths of the files in a folder of this name of any installed app, none of which is imported."""
    for app in apps.get_app_configs():
        package = find_spec(f"{app.name}.{folder}")
        folders = package.submodule_search_locations if package else None
        for module in pkgutil.iter_modules(folders or []):
            if not module.name.startswith("_"):
                yield f"{app.name}.{folder}.{module.name}"


def name_of(module: str) -> str:
    """What is called as its file is, with - for _."""
    return module.rpartition(".")[2].replace("_", "-")


def find_worker(name: str) -> Found:
    """Raises UnknownWorker."""
    known = {each.name: each for each in found()}
    if name in known:
        return known[name]
    raise UnknownWorker(f"there is no background worker {name!r}; {hint_at(name, known)}")


def load_worker(each: Found) -> type[BackgroundWorker]:
    """Import its file; its flag is declared besides. Raises Misconfigured with what is wrong with the file."""
    if refusal := refuse_name(each.name):
        raise Misconfigured(f"{each.module} cannot be a worker: {refusal}")
    try:
        module = importlib.import_module(each.module)
    except (Exception, SystemExit) as error:  # whatever the file does while it is imported
        raise Misconfigured(f"{each.module} cannot be imported: {type(error).__name__}: {error}") from error
    declare(flag_of(each.name))
    return pick_worker(module)


def pick_worker(module: ModuleType) -> type[BackgroundWorker]:
    """The one worker that a file defines; those that it imports are others'. Raises Misconfigured."""
    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", None) == module.__name__]
    tasks = [thing for thing in own if isinstance(thing, Task)]
    classes = [thing for thing in own if isinstance(thing, type) and issubclass(thing, BackgroundWorker)]
    stem = module.__name__.rpartition(".")[2]
    if len(tasks) + len(classes) != 1:
        raise Misconfigured(
            f"{module.__name__} defines {len(tasks) + len(classes)} workers: a file is one worker, either a function "
            "with @worker or a class of BackgroundWorker"
        )
    if classes:
        return classes[0]
    if tasks[0].__name__ != stem:
        raise Misconfigured(
            f"{module.__name__} defines {tasks[0].__name__}: name the function {stem}, as its file is, or the file "
            f"{tasks[0].__name__}.py"
        )
    return tasks[0].worker


def load_all() -> list[Broken]:
    """Import every worker's file, so that all their live settings are declared; those that cannot work."""
    broken = []
    first = {each.name: each for each in found()}
    for each in list_files():
        if each != first[each.name]:
            words = f"{each.module} is called {each.name}, as {first[each.name].module} is: rename one of the files"
            broken.append(Broken(*each, words))
            continue
        try:
            load_worker(each)
        except Misconfigured as error:
            broken.append(Broken(*each, str(error)))
    return broken


def refuse_name(name: str) -> str:
    """Why no background worker can be called so; empty where one can."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        return (
            f"{name!r} is no name for one: small letters and digits, beginning with a letter, with single dashes "
            f"between, {LONGEST} characters at most"
        )
    if name in RESERVED or name.startswith(RESERVED_BEGINNINGS):
        return f"{name!r} is the name of another program: choose one that does not begin with worker- or historic-"
    return ""
