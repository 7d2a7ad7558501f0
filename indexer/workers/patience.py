"""How often a worker may fail before a person is asked, and how long it then waits. Pure."""

from typing import NamedTuple


class Pauses(NamedTuple):
    """Seconds that a hung worker is left as it is from the limit of restarts on: `first`, then twice as long each time,
    and no longer than `longest`."""

    first: float = 15.0
    longest: float = 600.0


PAUSES = Pauses()


def pause_before_restart(restarts: int, limit: int, pauses: Pauses = PAUSES) -> float:
    """Seconds that a hung worker is left as it is, the longer the more often that has not helped; at first none."""
    if restarts < limit:
        return 0.0
    # Beyond this power it is the longest pause by far, and the number would grow with every restart.
    return min(pauses.longest, pauses.first * 2.0 ** min(restarts - limit, 10))


def ask_person(name: str, restarts: int, why: str) -> str:
    """What somebody is to look at, in words."""
    return (
        f"restarted {restarts} times without ten healthy minutes, the last time because of: {why}. "
        f"Look at `manage.py workers logs {name}`, at its events and stacks on the page Workers, and mend the cause; "
        f"or stop it: `manage.py workers stop {name}`"
    )
