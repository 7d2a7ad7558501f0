"""The parameters of a run, from what somebody asked for to what its function is called with. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from indexer.tasks.coverage import Days
from indexer.tasks.declaring import Task, TaskError

DAYS = ("first", "last")
"""Parameters that every partitioned task has: the days that it is to be complete for."""


def keep_params(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON keeps them, each of which the task has, can read and takes. Raises TaskError."""
    days, others = split_days(task, given)
    read = task.read_params(others)
    if task.check is not None:
        task.check(**read, **own_days(task, days))
    choose_days(task, given)
    kept: dict[str, Any] = msgspec.to_builtins({**read, **days})
    return kept


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
            except msgspec.ValidationError:
                raise TaskError(f"{task.name}: {name}={value!r} is no day: it is written 2026-01-31") from None
    if len(days) == len(DAYS) and days["first"] > days["last"]:
        raise TaskError(f"{task.name}: the first day, {days['first']}, is after the last, {days['last']}")
    return days, {name: value for name, value in given.items() if name not in DAYS}
