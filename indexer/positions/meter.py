"""What one worker has done since its start, in plain numbers: counted by its loops, shown by `exposition`.

Not prometheus_client's own counters: with PROMETHEUS_MULTIPROC_DIR in the environment those would be kept in files that
the web server adds to its own.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from threading import Lock

from indexer.positions.watch import Matches
from indexer.rpc import Level

LATEST, HISTORIC = "latest", "historic"
AUDIT = "audit"
"""No loop of its own: the historic one audits while it has nothing else to do."""
LOOPS = (LATEST, HISTORIC)

WAITING_FOR_NODE = "waiting for node"
WAITING_FOR_DATABASE = "waiting for database"
STANDING_BY = "standing by"
WORKING = "working"
STATES = (WAITING_FOR_NODE, WAITING_FOR_DATABASE, STANDING_BY, WORKING)

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds, of the classes that requests are counted in by how long they took."""


@dataclass(frozen=True, eq=False)
class Counted:
    """A count: its name, what it counts, the names of its labels, and the label values that are there from the start,
    at zero, so that the first of something is seen as an increase."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    begins: tuple[tuple[str, ...], ...] = ()


EACH_LOOP = tuple((loop,) for loop in LOOPS)
AWAITED_ERRORS = ("Refused", "QuotaSpent", "Forbidden")
"""Classes of errors whose first one is to be seen as an increase, too."""
MISMATCHED = ("inconsistent", "logs", "cut")
"""What an answer can be proved wrong by: itself or its header, the logs of another endpoint, logs that it left out."""

BLOCKS = Counted("blocks_processed", "Blocks read and committed.", ("loop",), EACH_LOOP)
LOGS_SEEN = Counted("logs_seen", "Logs in the answers of nodes.", ("loop",), EACH_LOOP)
LOGS_MATCHED = Counted("logs_matched", "Logs among those seen that some job watches.", ("loop",), EACH_LOOP)
LOGS_UNREADABLE = Counted("logs_unreadable", "Logs that do not fit a job that watches them.", ("loop",), EACH_LOOP)
BLOCKS_AT_LEVEL = Counted(
    "blocks_at_level",
    "Blocks read and committed, by what their logs were checked against.",
    ("loop", "level"),
    tuple((loop, level.word) for loop in LOOPS for level in Level),
)
MISMATCHES = Counted(
    "rpc_mismatches", "Answers of an endpoint that were proved wrong, by what was.", ("endpoint", "what")
)
ROWS_STORED = Counted(
    "log_rows_stored", "Rows of logs and metadata written: new ones and earlier first blocks.", ("loop",), EACH_LOOP
)
DISCARDED = Counted(
    "batches_discarded",
    "Batches thrown away: blocks, jobs or leases were no longer those they were read for.",
    ("loop",),
    EACH_LOOP,
)
LOOP_ERRORS = Counted(
    "loop_errors",
    "What a node did that a loop had to try again, by class.",
    ("loop", "error"),
    tuple((loop, "Refused") for loop in LOOPS),
)
RECONNECTS = Counted("database_reconnects", "Times a loop had to connect to the database again.", ("loop",), EACH_LOOP)
REORGS = Counted("reorgs_undone", "Reorgs undone; deep ones took back final blocks.", ("deep",), (("no",), ("yes",)))
REORG_BLOCKS = Counted("reorg_blocks_undone", "Blocks that reorgs took back.", (), ((),))
RPC_ERRORS = Counted("rpc_errors", "Requests that failed, by class.", ("endpoint", "method", "error"))

COUNTS = (
    BLOCKS,
    BLOCKS_AT_LEVEL,
    LOGS_SEEN,
    LOGS_MATCHED,
    LOGS_UNREADABLE,
    ROWS_STORED,
    DISCARDED,
    LOOP_ERRORS,
    RECONNECTS,
    REORGS,
    REORG_BLOCKS,
    RPC_ERRORS,
    MISMATCHES,
)


class Timing:
    """Requests by how long they took: `classes[i]` took at most BOUNDS[i] seconds, the last one longer than all."""

    def __init__(self) -> None:
        self.classes = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0


class Meter:
    """The counts of one worker. Safe to share between threads; a loop that nobody watches has one of its own."""

    def __init__(self, loops: Iterable[str] = LOOPS) -> None:
        self.states = dict.fromkeys(loops, WAITING_FOR_NODE)
        self._counts: dict[Counted, Counter[tuple[str, ...]]] = {
            counted: Counter(dict.fromkeys(counted.begins, 0)) for counted in COUNTS
        }
        self._timings: dict[tuple[str, str], Timing] = {}
        self._lock = Lock()

    def add(self, counted: Counted, *labels: str, by: int = 1) -> None:
        with self._lock:
            self._counts[counted][labels] += by

    def note_logs(self, loop: str, seen: int, matches: Matches) -> None:
        """A node has answered `seen` logs, and this is what they were."""
        with self._lock:
            self._counts[LOGS_SEEN][loop,] += seen
            self._counts[LOGS_MATCHED][loop,] += matches.logs
            self._counts[LOGS_UNREADABLE][loop,] += sum(row.count for row in matches.unreadable)

    def note_commit(self, loop: str, blocks: int, rows: int, level: Level | None = None) -> None:
        """A batch is stored; `level` is what its blocks were checked against, where it has any."""
        with self._lock:
            if level is not None:
                self._counts[BLOCKS_AT_LEVEL][loop, level.word] += blocks
            self._counts[BLOCKS][loop,] += blocks
            self._counts[ROWS_STORED][loop,] += rows

    def note_mismatch(self, endpoint: str, what: str) -> None:
        """What an EndpointPool tells of whom it blames."""
        self.add(MISMATCHES, endpoint, what)

    def expect_endpoints(self, labels: Iterable[str]) -> None:
        """These are asked: their mismatches are counted from zero on."""
        with self._lock:
            for label, what in product(labels, MISMATCHED):
                self._counts[MISMATCHES].setdefault((label, what), 0)

    def note_request(self, endpoint: str, method: str, seconds: float, problem: str | None) -> None:
        """What an Endpoint's observer is told."""
        with self._lock:
            timing = self._timings.get((endpoint, method))
            if timing is None:
                timing = self._timings[endpoint, method] = Timing()
                for error in AWAITED_ERRORS:
                    self._counts[RPC_ERRORS].setdefault((endpoint, method, error), 0)
            timing.classes[bisect_left(BOUNDS, seconds)] += 1
            timing.seconds += seconds
            if problem is not None:
                self._counts[RPC_ERRORS][endpoint, method, problem] += 1

    def note_state(self, loop: str, state: str) -> None:
        self.states[loop] = state

    def counts(self) -> dict[Counted, dict[tuple[str, ...], int]]:
        """A copy: by count, by the values of its labels."""
        with self._lock:
            return {counted: dict(values) for counted, values in self._counts.items()}

    def timings(self) -> dict[tuple[str, str], tuple[list[int], float]]:
        """A copy: by endpoint and method, the requests in each class of BOUNDS and one beyond, and their seconds."""
        with self._lock:
            return {key: (list(timing.classes), timing.seconds) for key, timing in self._timings.items()}
