"""The files that lines are written to, by any number of processes."""

import logging
import sys
import time
from contextlib import suppress

from concurrent_log_handler import ConcurrentRotatingFileHandler

SAY_EVERY = 60.0
"""Seconds between two sentences about files that cannot be written."""


class LogFile(ConcurrentRotatingFileHandler):
    """A file of any number of processes: it rotates under a lock file. Work goes on where it cannot be written."""

    said_at = float("-inf")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        """Say so now and then. logging itself would print a traceback for each line, and the line as it is, with what
        the formatter blots out."""
        if time.monotonic() - LogFile.said_at >= SAY_EVERY:
            LogFile.said_at = time.monotonic()
            problem = sys.exc_info()[1]
            with suppress(OSError, ValueError):
                sys.stderr.write(f"lines are lost: {self.baseFilename} cannot be written: {problem}\n")
