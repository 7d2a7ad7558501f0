"""What this process is, before anything else is known of it: by its arguments, and what a web server says of itself."""

import os
import sys
from pathlib import Path

WITHOUT_PAGES = frozenset(
    {
        "audit_chain",
        "export_chain",
        "import_chain",
        "import_watches",
        "list_watches",
        "lookup",
        "oversee",
        "plan",
        "rescan",
        "rewind",
        "run_chain_worker",
        "run_worker",
        "workers",
    }
)
"""Commands that neither show pages nor change tables: of Django they need what reads and writes the database."""
WITHOUT_TASKS = WITHOUT_PAGES - {"run_worker"}
"""Commands that neither put scheduled work into the line nor do any."""


def is_web() -> bool:
    """As config.wsgi and config.gunicorn say."""
    return os.environ.get("FOOTPRINT_PROCESS") == "web"


def program_name() -> str:
    """What this process is: web, or its command, with the chain or the worker's name where it is a worker."""
    if is_web():
        return "web"
    arguments = sys.argv[1:]
    words = 2 if arguments[:1] in (["run_chain_worker"], ["run_worker"]) else 1
    return " ".join(arguments[:words]) or Path(sys.argv[0]).name


def has_pages() -> bool:
    """Whether this process is to know the web server's pages: the web itself, tests, and whatever makes tables."""
    return is_none_of(WITHOUT_PAGES)


def has_tasks() -> bool:
    """Whether this process is to know of scheduled work and of what stands on it."""
    return is_none_of(WITHOUT_TASKS)


def is_none_of(commands: frozenset[str]) -> bool:
    return is_web() or Path(sys.argv[0]).name != "manage.py" or sys.argv[1:2] == [] or sys.argv[1] not in commands
