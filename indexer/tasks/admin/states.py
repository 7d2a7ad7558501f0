"""The states of runs and partitions as pages show them."""

from indexer.access.labels import Shown
from indexer.tasks.states import PartitionState, RunState

RUN_STATES = (
    Shown(RunState.QUEUED, "queued", "info", "it is in the line"),
    Shown(RunState.RUNNING, "running", "info", "a worker is at it"),
    Shown(RunState.WAITING, "waiting", "warn", "it goes on later: for its next attempt, or for a budget"),
    Shown(RunState.SUCCEEDED, "succeeded", "good", "all of it is done"),
    Shown(RunState.FAILED, "failed", "bad", "no attempt is left"),
    Shown(RunState.CANCELLED, "cancelled", "plain", "somebody has ended it"),
)
PARTITION_STATES = (
    Shown(PartitionState.COMPLETE, "complete", "good", "it is done"),
    Shown(PartitionState.RUNNING, "running", "info", "a worker is at it"),
    Shown(PartitionState.MISSING, "missing", "plain", "nobody has done it yet"),
    Shown(PartitionState.STALE, "stale", "warn", "it was done, and is to be done again"),
    Shown(PartitionState.FAILED, "failed", "bad", "its last attempt has failed"),
    Shown(PartitionState.REFUSED, "refused", "odd", "its source says that it is not to be had"),
)
"""In the order in which they are counted on top of the grid."""
COLOURS = {shown.value: shown.colour for shown in (*RUN_STATES, *PARTITION_STATES)}
LEVELS = {"WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad", "DEBUG": "plain"}
"""Colours of log lines; others have none."""
