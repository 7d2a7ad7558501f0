"""Which worker somebody means by a name. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from indexer.workers.near import hint_at
from indexer.workers.programs import full_name


class Known(NamedTuple):
    """A worker that somebody may mean: the name of its row, its program and the machine that runs it."""

    name: str
    program: str
    host: str

    @property
    def full_name(self) -> str:
        return full_name(self.program, self.host)


class NotMeant(Exception):
    """Nobody is called so, or several are; the text says who there is."""


def find_meant(wanted: str, known: Sequence[Known]) -> Known:
    """The worker of that PROGRAM@HOST, or of that program where one machine alone runs it. Raises NotMeant."""
    found = [each for each in known if wanted in (each.program, each.full_name)]
    if len(found) > 1:
        names = sorted(each.full_name for each in found)
        raise NotMeant(f"{wanted} is on {len(found)} machines: say {' or '.join(names)}")
    if not found:
        names = sorted({each.name for each in known})
        raise NotMeant(f"there is no worker {wanted!r}; {hint_at(wanted, names)}")
    return found[0]
