"""How every process logs: levels, formats, files, and what is blotted out of each line. No Django."""

import logging
import os
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from concurrent_log_handler import ConcurrentRotatingFileHandler
from pythonjsonlogger.json import JsonFormatter

from config.masks import Mask, hide_addresses
from config.options import OptionError, Options

OURS = ("api", "config", "indexer")
# Their lines hold the paths of requests, whichever process runs them.
OF_REQUESTS = ("api", "django", "gunicorn")
FILE_BYTES = 20_000_000
FILE_COUNT = 10
FILE_MODE = 0o640
SAY_EVERY = 60.0
"""Seconds between two sentences about files that cannot be written."""
FOLDER_MODE = 0o750

LINE = "{asctime} {levelname:<7} {name}: {message}"
# The same file has the lines of many processes.
FILE_LINE = "{asctime} {levelname:<7} {program}[{process}] {name}: {message}"
JSON_FIELDS = ["levelname", "name", "message", "process"]
JSON_NAMES = {"levelname": "level", "name": "logger", "program": "process", "process": "pid", "exc_info": "exception"}
JSON_ORDER = ("time", "level", "logger", "message", "process", "pid", "exception", "stack_info")


class Masked(logging.Formatter):
    """Another formatter's text without secrets and, where they are of requests, without addresses."""

    def __init__(self, inner: logging.Formatter, mask: Mask, *, hides_addresses: bool, is_web: bool) -> None:
        super().__init__()
        self.inner = inner
        self.mask = mask
        self.hides_addresses = hides_addresses
        self.is_web = is_web

    def format(self, record: logging.LogRecord) -> str:
        text = self.mask(self.inner.format(record))
        if self.hides_addresses and (self.is_web or record.name.partition(".")[0] in OF_REQUESTS):
            return hide_addresses(text)
        return text


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


def has_exception(record: logging.LogRecord) -> bool:
    return bool(record.exc_info)


def build_logging(options: Options, mask: Mask, *, is_web: bool) -> dict[str, Any]:
    """Django's and gunicorn's dictionary for logging.config. Raises OptionError when LOG_DIR cannot be written."""
    level = options.text("LOG_LEVEL").upper()
    # The debug lines of others tell nothing about Footprint, and hold the parameters of requests.
    others = "INFO" if level == "DEBUG" else level
    folder = options.text("LOG_DIR")
    is_json = options.text("LOG_FORMAT") == "json"
    masking = {"mask": mask, "hides_addresses": not options.flag("LOG_ADDRESSES"), "is_web": is_web}
    handlers: dict[str, Any] = {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}}
    if folder:
        handlers |= file_handlers(make_log_dir(folder))
    everybody = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            name: {"()": Masked, "inner": JsonLine() if is_json else text_lines(line), **masking}
            for name, line in (("line", LINE), ("file", FILE_LINE))
        },
        "filters": {"exceptions": {"()": lambda: has_exception}},
        "handlers": handlers,
        "root": {"handlers": [*handlers], "level": others},
        "loggers": {
            **{name: {"level": level} for name in OURS},
            # These bring handlers of their own, which would print every line again and as it is.
            **{name: {**everybody, "level": others} for name in ("django", "django.server", "gunicorn.error")},
            "gunicorn.access": {**everybody, "level": "INFO" if level == "DEBUG" else "WARNING"},
        },
    }


def file_handlers(folder: Path) -> dict[str, Any]:
    """combined.log has everything, error.log what is an error, exceptions.log what has a traceback."""
    shared = {
        "()": LogFile,
        "formatter": "file",
        "maxBytes": FILE_BYTES,
        "backupCount": FILE_COUNT,
        "chmod": FILE_MODE,
        "encoding": "utf-8",
    }
    return {
        "combined": {**shared, "filename": str(folder / "combined.log")},
        "error": {**shared, "filename": str(folder / "error.log"), "level": "ERROR"},
        "exceptions": {**shared, "filename": str(folder / "exceptions.log"), "filters": ["exceptions"]},
    }


def make_log_dir(text: str) -> Path:
    folder = Path(text).absolute()
    try:
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        # Asking for permissions would tell root nothing about a read-only file system.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OptionError(
            f"LOG_DIR={text} cannot be written: {error.strerror}. Name a folder that this user may write, or leave it"
            " empty."
        ) from None
    return folder


def text_lines(line: str) -> logging.Formatter:
    return logging.Formatter(line, style="{", defaults={"program": program_name()})


class JsonLine(JsonFormatter):
    """One object a line: time (UTC), level, logger, message, process, pid, exception; nothing that others add."""

    def __init__(self) -> None:
        super().__init__(JSON_FIELDS, timestamp="time", rename_fields=JSON_NAMES, defaults={"program": program_name()})

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {field: log_data[field] for field in JSON_ORDER if field in log_data}


def program_name() -> str:
    """What this process is: web, or its command, with the chain where that is a worker's."""
    if os.environ.get("FOOTPRINT_PROCESS") == "web":
        return "web"
    arguments = sys.argv[1:]
    return " ".join(arguments[: 2 if arguments[:1] == ["run_chain_worker"] else 1]) or Path(sys.argv[0]).name


def watch_uncaught(mask: Mask) -> None:
    """Let errors that nobody catches end up in the logs, and print no secret on their way out."""

    def show(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if not issubclass(kind, Exception):
            sys.__excepthook__(kind, error or kind(), trace)
        elif logging.getLogger().handlers:
            logging.getLogger(__name__).critical("nobody caught this", exc_info=(kind, error or kind(), trace))
        else:
            sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = show
    threading.excepthook = lambda seen: show(seen.exc_type, seen.exc_value, seen.exc_traceback)
