"""The parameters of a run, from what somebody asked for to what its function is called with. Pure."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from indexer.chains.storable import storable
from indexer.tasks.coverage import Days
from indexer.tasks.declaring import Task, TaskError

DAYS = ("first", "last")
"""Parameters that every partitioned task has: the days that it is to be complete for."""


def keep_params(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON keeps them, each of which the task has, can read and takes. Raises TaskError."""
    days, others = split_days(task, given)
    read = task.read_params(others)
    kept: dict[str, Any] = msgspec.to_builtins({**read, **days})
    for name, value in kept.items():
        if any(not is_kept(part) for part in parts_of(value)):
            raise TaskError(
                f"{task.name}: {name}={value!r} cannot be kept: a number is finite, and a text has neither null "
                "characters nor half a surrogate pair"
            )
    if task.check is not None:  # which may ask the database
        task.check(**read, **own_days(task, days))
    choose_days(task, given)
    return kept


def is_kept(part: object) -> bool:
    """Whether PostgreSQL's JSON has a form of this number, text or whatever else."""
    if isinstance(part, float):
        return math.isfinite(part)
    return not isinstance(part, str) or storable(part) == part


def parts_of(value: object) -> Iterator[object]:
    """All that stands in lists and objects, and the names in these; of anything else itself."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield name
            yield from parts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from parts_of(each)
    else:
        yield value


def read_params(task: Task, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What the task's function is called with. Raises TaskError: its parameters may have changed meanwhile."""
    days, others = split_days(task, kept)
    return {**task.read_params(others), **own_days(task, days)}


def own_days(task: Task, days: Mapping[str, date]) -> dict[str, date]:
    """The days that its function wants to know, too."""
    return {name: day for name, day in days.items() if name in task.params}


def choose_days(task: Task, params: Mapping[str, Any]) -> Days:
    """The days that its partitions are to be complete for, as far as they can be. Raises TaskError."""
    days, _ = split_days(task, params)
    wanted = Days(days.get("first"), days.get("last"))
    return wanted if task.clip is None else Days(*task.clip(*wanted))


def split_days(task: Task, given: Mapping[str, Any]) -> tuple[dict[str, date], dict[str, Any]]:
    """The days of a partitioned task, and all other parameters. Raises TaskError."""
    if not isinstance(given, Mapping):  # a row that somebody has edited may hold anything
        raise TaskError(f"{task.name}: its parameters are an object of names and values, such as {{}}")
    if task.partitions is None:
        return {}, dict(given)
    days = {}
    for name in DAYS:
        if (value := given.get(name)) is not None:
            try:
                days[name] = msgspec.convert(value, date)
            except (msgspec.ValidationError, UnicodeError):
                raise TaskError(f"{task.name}: {name}={value!r} is no day: it is written 2026-01-31") from None
    if len(days) == len(DAYS) and days["first"] > days["last"]:
        raise TaskError(f"{task.name}: the first day, {days['first']}, is after the last, {days['last']}")
    return days, {name: value for name, value in given.items() if name not in DAYS}
