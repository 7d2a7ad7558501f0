"""The lines of a worker's log on their way into the database, where people read them from any machine."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from django.conf import settings

from config.logs import Masked
from indexer.chains.connections import Connection
from indexer.chains.storable import storable

KEPT = 1_000
"""Lines of one worker, or of one run; the oldest go first."""
WAITING = 2_000
"""Lines that wait for a database which is away; the oldest are lost first, and how many is said."""
AT_ONCE = 200
LONGEST = 10_000
"""Characters of a line, with its traceback."""


class Statements(NamedTuple):
    """How lines are stored, and how those beyond the newest `kept` of their `owner` are forgotten."""

    store: str
    forget: str


# The lines of a worker by their index: it is read back as far as they are kept.
OF_WORKER = Statements(
    store="""
INSERT INTO public.worker_lines (worker, at, level, logger, text)
SELECT %(owner)s, now() - line.ago, line.level, line.logger, line.text
FROM unnest(%(ago)s::interval[], %(level)s::text[], %(logger)s::text[], %(text)s::text[])
     AS line (ago, level, logger, text)
""",
    forget="""
DELETE FROM public.worker_lines WHERE worker = %(owner)s AND id <= (
    SELECT id FROM public.worker_lines WHERE worker = %(owner)s ORDER BY id DESC OFFSET %(kept)s LIMIT 1
)
""",
)


class Line(NamedTuple):
    """A line of a log, the so manieth of its process; `at` by the monotonic clock."""

    number: int
    at: float
    level: str
    logger: str
    text: str


class LineBuffer(logging.Handler):
    """Keeps lines, without secrets, until they are stored. Debug lines are left out: storing makes some."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.INFO)
        self.clock = clock
        self.waiting: deque[Line] = deque()
        self.count = 0
        self.stored = 0
        plain = logging.Formatter("{message}", style="{")
        hides = not settings.OPTIONS.flag("LOG_ADDRESSES")
        self.setFormatter(Masked(plain, settings.MASK, hides_addresses=hides, is_web=False))

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held, as every handler's is."""
        try:
            text = storable(self.format(record))[:LONGEST]
        except Exception:
            # As the standard library's handlers do: a line that cannot be written is told on stderr.
            self.handleError(record)
            return
        self.count += 1
        self.waiting.append(Line(self.count, self.clock(), record.levelname[:10], record.name[:200], text))
        if len(self.waiting) > WAITING:
            self.waiting.popleft()

    def take(self) -> list[Line]:
        """The oldest lines, at most AT_ONCE. They stay until `forget`, for storing them may fail."""
        with self.held():
            lines = list(islice(self.waiting, AT_ONCE))
        if lines and (lost := lines[0].number - self.stored - 1):
            words = f"{lost:,} lines before this one are lost: the database was away for too long"
            lines.insert(0, lines[0]._replace(level="WARNING", logger=__name__, text=words))
        return lines

    def forget(self, lines: list[Line]) -> None:
        """These are stored."""
        if not lines:
            return
        self.stored = lines[-1].number
        with self.held():
            while self.waiting and self.waiting[0].number <= self.stored:
                self.waiting.popleft()

    @contextmanager
    def held(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()


def store_lines(
    connection: Connection, owner: str | int, lines: list[Line], now: float, statements: Statements = OF_WORKER
) -> None:
    """`now`: by the clock of the lines."""
    if not lines:
        return
    values = {
        "owner": owner,
        "ago": [timedelta(seconds=now - line.at) for line in lines],
        "level": [line.level for line in lines],
        "logger": [line.logger for line in lines],
        "text": [line.text for line in lines],
        "kept": KEPT,
    }
    connection.execute(statements.store, values)
    connection.execute(statements.forget, values)
