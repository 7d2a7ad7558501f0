"""How every process logs: levels, formats, files, and what is blotted out of each line. No Django."""

import logging
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from config.masks import Mask, hide_addresses
from config.options import OptionError, Options
from config.process import program_name

OURS = ("api", "config", "indexer")
# Their lines hold the paths of requests, whichever process runs them.
OF_REQUESTS = ("api", "django", "gunicorn")
FILE_BYTES = 20_000_000
FILE_COUNT = 10
FILE_MODE = 0o640
FOLDER_MODE = 0o750

LINE = "{asctime} {levelname:<7} {name}: {message}"
# The same file has the lines of many processes.
FILE_LINE = "{asctime} {levelname:<7} {program}[{process}] {name}: {message}"


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
            name: {"()": Masked, "inner": json_lines() if is_json else text_lines(line), **masking}
            for name, line in (("line", LINE), ("file", FILE_LINE))
        },
        "filters": {"exceptions": {"()": lambda: has_exception}},
        "handlers": handlers,
        "root": {"handlers": [*handlers], "level": others},
        "loggers": {
            **{name: {"level": level} for name in OURS},
            # These bring handlers of their own, which would print every line again and as it is.
            **{name: {**everybody, "level": others} for name in ("django", "django.server", "gunicorn.error")},
            # It tells of every job and every start; what becomes of a task is told by its run.
            "procrastinate": {**everybody, "level": "INFO" if level == "DEBUG" else "WARNING"},
            "gunicorn.access": {**everybody, "level": "INFO" if level == "DEBUG" else "WARNING"},
        },
    }


def file_handlers(folder: Path) -> dict[str, Any]:
    """combined.log has everything, error.log what is an error, exceptions.log what has a traceback."""
    shared = {
        # By name: what only a file needs is loaded where there is one.
        "()": "config.log_files.LogFile",
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


def json_lines() -> logging.Formatter:
    from config.log_json import JsonLine  # loaded only where it is asked for

    return JsonLine()


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
