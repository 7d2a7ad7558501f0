"""What a caller may do, and the roles that bundle it. No Django."""

from typing import NamedTuple

READ = "read"
READ_LOGS = "read:logs"
WRITE_JOBS = "write:jobs"
WRITE_WATCHES = "write:watches"
WRITE_TASKS = "write:tasks"
ADMINISTER = "administer"

SCOPES = {
    READ: "look addresses up and read everything about chains, jobs, pools and tasks",
    READ_LOGS: "read the log lines and tracebacks of runs",
    WRITE_JOBS: "add, enable, disable and rescan jobs",
    WRITE_WATCHES: "import watch lists",
    WRITE_TASKS: "run, cancel and retry tasks, and change their schedules",
    ADMINISTER: "manage API keys, users and settings",
}


class Role(NamedTuple):
    """A bundle of scopes under the name that people use."""

    name: str
    scopes: frozenset[str]
    meaning: str


VIEWER = Role("viewer", frozenset({READ, READ_LOGS}), "sees everything, changes nothing")
OPERATOR = Role(
    "operator",
    frozenset({READ, READ_LOGS, WRITE_JOBS, WRITE_WATCHES, WRITE_TASKS}),
    "changes what is watched and runs tasks",
)
ADMINISTRATOR = Role("administrator", frozenset(SCOPES), "does everything")
ROLES = {role.name: role for role in (VIEWER, OPERATOR, ADMINISTRATOR)}
