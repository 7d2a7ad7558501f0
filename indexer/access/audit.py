"""The record of changes: written before a change is made, so that none can be made without it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser

from indexer.access.models import AuditEntry

STARTED = "started"


def shell_actor() -> str:
    """Who runs a command; in a container a user may have no name."""
    try:
        return f"shell:{getuser()}"
    except (KeyError, OSError):
        return f"shell:{os.getuid()}"


class Recording:
    """One change under way; `outcome` is what the record will say of it."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.outcome = "done"


@contextmanager
def recorded(actor: str, action: str, *, chain: str = "", target: str = "") -> Iterator[Recording]:
    """Record what happens inside: as done, as the outcome that it sets, or as failed with the error's words."""
    entry = AuditEntry.objects.create(actor=actor, action=action, chain=chain, target=target, outcome=STARTED)
    recording = Recording(entry)
    try:
        yield recording
    except Exception as error:
        recording.outcome = f"failed: {error}"
        raise
    except BaseException as error:
        recording.outcome = f"broken off: {type(error).__name__}"
        raise
    finally:
        AuditEntry.objects.filter(pk=entry.pk).update(outcome=recording.outcome)
