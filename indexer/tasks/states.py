"""Where a run and a partition are. Pure."""

from enum import StrEnum


class RunState(StrEnum):
    """WAITING: for its next attempt, or for a budget; `why` says which, `due_at` until when."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.WAITING})
OVER = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})


class PartitionState(StrEnum):
    """STALE: complete once, and to be done again. REFUSED: not to be had, and asked for again by the next run."""

    MISSING = "missing"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    STALE = "stale"
    REFUSED = "refused"


class Missed(StrEnum):
    """What a schedule does about times that passed while nobody could run it, or while its last run was still on."""

    RUN_ONCE = "run once"
    SKIP = "skip"
