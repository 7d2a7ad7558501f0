"""What the file of a task is made of. A task is one file in the folder `scheduled` of a room, called as its function:

    @task(cron="0 3 * * *", budgets=("defillama",), fresh_for=timedelta(hours=26))
    def sync_pools(run: Run, *, chain: str = "") -> Counts:
        for page in ...:
            run.progress(done, total)
            with transaction.atomic():
                counts += ...           # what is stored, and
                run.save({"page": page, "counts": counts})  # where to go on: one transaction
        return counts

Its name is the function's with - for _. Parameters are keyword-only, typed and have defaults. Pure.
"""

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple, get_type_hints

import msgspec


class TaskError(Exception):
    """A declaration, a parameter or a request that cannot be; the text names it and the remedy."""


class NoSuchTask(TaskError):
    """This process knows no file of that name."""


class Cancelled(Exception):
    """Somebody has cancelled the run."""


class TimedOut(Exception):
    """The run has used up its time limit."""


class Lost(Exception):
    """Another worker has taken this run over: nothing that this one does may count any more."""

    def __init__(self, run: int) -> None:
        super().__init__(f"run {run}: another worker has taken it over")


class Wait(Exception):
    """The run can go on at `until` and not before; that is no failure. The text is the reason people are shown."""

    def __init__(self, words: str, until: datetime) -> None:
        super().__init__(words)
        self.until = until


class Refused(Exception):
    """What a partition asks for is not to be had, and no other attempt mends that; the text is the reason.

    It is no failure of the run, and is asked for again by the next one.
    """


class Priority(IntEnum):
    """Which of the waiting runs comes first; within one, the oldest."""

    LOW = 0
    MEDIUM = 10
    HIGH = 20
    IMMEDIATE = 30

    @property
    def label(self) -> str:
        return self.name.lower()


class Counts(NamedTuple):
    """Records that a run has created, changed, seen unchanged, missed from what was there, and rejected."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: int = 0
    rejected: int = 0

    def __add__(self, other: object) -> "Counts":
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Retry:
    """After a failure: so many attempts in all, waiting `first` seconds, then `factor` times more each, and up to
    `jitter` (a share) longer, by chance; never longer than `longest` seconds, unless the server itself wants it."""

    attempts: int = 3
    first: float = 30.0
    factor: float = 4.0
    longest: float = 3600.0
    jitter: float = 0.2


class Run(ABC):
    """A run as its function sees it. Every method may raise Cancelled, TimedOut and Lost, which it lets through."""

    cursor: Any = None
    """Where an earlier attempt, or the run that this one retries, has got to; None at the beginning."""
    log: logging.Logger

    @abstractmethod
    def progress(self, done: int, total: int | None = None) -> None:
        """So many of `total` are done. To be told at least every few seconds; costs nothing."""

    @abstractmethod
    def save(self, cursor: Any) -> None:
        """Keep where to go on, in the caller's transaction on Django's connection, and that this run is still ours."""

    @abstractmethod
    def reserve(self, api: str) -> None:
        """Wait until this API may be asked once more, by all processes together. Raises Wait: not before long; and
        TaskError where the task's `budgets` do not name it."""

    @abstractmethod
    def learn(self, api: str, status: int, headers: Mapping[str, str]) -> None:
        """What the answer of an API says of its limits."""


class LooseRun(Run):
    """A run that nobody schedules or watches: of a test, or of a function that is called by hand."""

    def __init__(self, cursor: Any = None) -> None:
        self.cursor = cursor
        self.log = logging.getLogger(__name__)
        self.done, self.total = 0, None  # type: tuple[int, int | None]

    def progress(self, done: int, total: int | None = None) -> None:
        self.done, self.total = done, total

    def save(self, cursor: Any) -> None:
        self.cursor = cursor

    def reserve(self, api: str) -> None:
        pass

    def learn(self, api: str, status: int, headers: Mapping[str, str]) -> None:
        pass


KINDS: Mapping[str, tuple[Any, str]] = {
    "cron": (str, "a text"),
    "every": (int | float | None, "a number of seconds"),
    "priority": (Priority, "one of Priority"),
    "retry": (Retry, "a Retry, such as Retry(attempts=5)"),
    "time_limit": (int | float, "a number of seconds"),
    "budgets": (tuple, 'names of APIs, such as ("defillama",)'),
    "fresh_for": (timedelta | None, "a timedelta, such as timedelta(hours=26)"),
}
"""What a declaration gives, and what it has to be."""
LAZY = (
    (inspect.iscoroutinefunction, "an async function"),
    (inspect.isasyncgenfunction, "an async generator"),
    (inspect.isgeneratorfunction, "a generator"),
)

ListKeys = Callable[[date | None, date | None], Iterable[str]]
"""The keys of a task's partitions for days from the first to the last; None: as its schedule would take them.

Parameters of the task that it takes by keyword, too, it is given: the same values as the function."""
Check = Callable[..., None]
"""Raises TaskError for parameters that cannot be, though their types let them pass.

It takes those of the function, by keyword and with defaults, and is asked before a run is put into the line."""
ClipDays = Callable[[date | None, date | None], tuple[date | None, date | None]]
"""Those of the days from the first to the last that a task can be complete for. Raises TaskError where it is none."""


@dataclass(frozen=True)
class Task:
    """A declared task. `function(run, **params)`; of a partitioned one `function(run, key, **params)`, once for each.

    `cron` (UTC) or `every` (seconds): its schedule until somebody edits that; neither: only on demand. `budgets`: the
    APIs that it asks; it may reserve no other. `fresh_for`: what it keeps is promised to be no older. `time_limit`:
    seconds of one attempt, or of one partition. `alone`: no two runs of it at once; one that waits for its next attempt
    holds up later ones of the same task, and of no other task, that have no higher priority.
    """

    name: str
    function: Callable[..., Any]
    words: str
    cron: str = ""
    every: float | None = None
    priority: Priority = Priority.MEDIUM
    retry: Retry = Retry()
    time_limit: float = 3600.0
    budgets: tuple[str, ...] = ()
    fresh_for: timedelta | None = None
    alone: bool = True
    partitions: ListKeys | None = None
    check: Check | None = None
    clip: ClipDays | None = None
    params: Mapping[str, inspect.Parameter] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, run: Run, *arguments: Any, **params: Any) -> Counts:
        """Raises TypeError where the function gives anything but Counts, or nothing at all."""
        result = self.function(run, *arguments, **params)
        if result is None:
            return Counts()
        if not isinstance(result, Counts):
            raise TypeError(f"{self.name} has given {type(result).__name__}: a task gives Counts, or nothing")
        return result

    def read_params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Typed parameters from JSON or from texts of a command line. Raises TaskError."""
        if unknown := sorted(set(given) - set(self.params)):
            known = ", ".join(self.params) or "none"
            raise TaskError(f"{self.name} has no parameter {unknown[0]!r}: it has {known}")
        read = {}
        for name, value in given.items():
            try:
                read[name] = read_value(value, self.types[name])
            except (ValueError, RecursionError) as error:
                raise TaskError(f"{self.name}: {name}={value!r}: {error}") from error
        return read


def read_value(value: Any, kind: Any) -> Any:
    """A value of JSON, or a text: as it stands where the type has it so, as JSON where not, such as `["a", "b"]`.

    Raises ValueError, as msgspec's errors are, and RecursionError.
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        if not isinstance(value, str):
            raise
        try:
            return msgspec.json.decode(value, type=kind, strict=False)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            is_text = not str(error).endswith("got `str`")
            raise ValueError(f"{error}{'' if is_text else '; what is no text is written as JSON'}") from None


def check_kinds(given: Mapping[str, Any]) -> None:
    """Raises TaskError for what everybody would stumble over who lists tasks, or asks how fresh they are."""
    for name, (kind, words) in KINDS.items():
        value = given[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TaskError(f"{name}={value!r} cannot be: it is {words}")
    if not all(isinstance(api, str) for api in given["budgets"]):
        raise TaskError(f"budgets={given['budgets']!r} cannot be: it is {KINDS['budgets'][1]}")
    if not given["time_limit"] > 0:
        raise TaskError(f"time_limit={given['time_limit']!r} cannot be: it is more than no time")


def check_types(function: str, types: Mapping[str, Any]) -> None:
    """Raises TaskError for a parameter that no value could be given to."""
    for name, kind in types.items():
        try:
            msgspec.json.schema(kind)
        except TypeError as error:
            words = str(error).strip().rpartition("\n")[2]
            raise TaskError(f"{function}: its parameter {name} cannot be read from JSON: {words}") from None


def task(
    *,
    cron: str = "",
    every: float | None = None,
    priority: Priority = Priority.MEDIUM,
    retry: Retry = Retry(),
    time_limit: float = 3600.0,
    budgets: tuple[str, ...] = (),
    fresh_for: timedelta | None = None,
    alone: bool = True,
    partitions: ListKeys | None = None,
    check: Check | None = None,
    clip: ClipDays | None = None,
) -> Callable[[Callable[..., Any]], Task]:
    """Declare the decorated function a task. Raises TaskError for what cannot be."""
    check_kinds(locals())
    if cron and every is not None:
        raise TaskError("a task has either cron or every")
    if partitions is not None and not alone:
        raise TaskError("a task with partitions is alone: two runs of it would leave some to each other")

    def decorate(function: Callable[..., Any]) -> Task:
        for is_so, kind in LAZY:
            if is_so(function):
                raise TaskError(
                    f"{function.__name__} is {kind}, which does nothing when it is called: make it a plain one"
                )
        given = list(inspect.signature(function).parameters.values())
        leading = 1 if partitions is None else 2
        params = {each.name: each for each in given[leading:]}
        for each in params.values():
            if each.kind is not inspect.Parameter.KEYWORD_ONLY or each.default is inspect.Parameter.empty:
                raise TaskError(f"{function.__name__}: its parameter {each.name} must be keyword-only, with a default")
        hints = get_type_hints(function, include_extras=True)
        types = {name: hints.get(name, str) for name in params}
        check_types(function.__name__, types)
        return Task(
            name=function.__name__.replace("_", "-"),
            function=function,
            words=inspect.cleandoc(function.__doc__ or "").partition("\n")[0],
            cron=cron,
            every=every,
            priority=priority,
            retry=retry,
            time_limit=time_limit,
            budgets=budgets,
            fresh_for=fresh_for,
            alone=alone,
            partitions=partitions,
            check=check,
            clip=clip,
            params=params,
            types=types,
        )

    return decorate
