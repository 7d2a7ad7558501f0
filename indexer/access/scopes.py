"""What a caller may do, and the roles that bundle it. No Django."""

from typing import NamedTuple

READ = "read"
WRITE_JOBS = "write:jobs"
WRITE_WATCHES = "write:watches"
ADMINISTER = "administer"

SCOPES = {
    READ: "look addresses up and read everything about chains, jobs and pools",
    WRITE_JOBS: "add, enable, disable and rescan jobs",
    WRITE_WATCHES: "import watch lists",
    ADMINISTER: "manage API keys, users and settings",
}


class Role(NamedTuple):
    """A bundle of scopes under the name that people use."""

    name: str
    scopes: frozenset[str]
    meaning: str


VIEWER = Role("viewer", frozenset({READ}), "sees everything, changes nothing")
OPERATOR = Role("operator", frozenset({READ, WRITE_JOBS, WRITE_WATCHES}), "changes what is watched")
ADMINISTRATOR = Role("administrator", frozenset(SCOPES), "does everything")
ROLES = {role.name: role for role in (VIEWER, OPERATOR, ADMINISTRATOR)}
