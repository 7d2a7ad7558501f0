"""The tables of one chain's schema, one concept per module."""

from indexer.positions.models.blocks import Block, Setting, Unsettled
from indexer.positions.models.jobs import Job, JobLabel
from indexer.positions.models.logs import Log, LogMetadata, UnreadableLog
from indexer.positions.models.readings import Reading
from indexer.positions.models.scans import Scan, ScanJob, Segment

__all__ = [
    "Block",
    "Job",
    "JobLabel",
    "Log",
    "LogMetadata",
    "Reading",
    "Scan",
    "ScanJob",
    "Segment",
    "Setting",
    "UnreadableLog",
    "Unsettled",
]
