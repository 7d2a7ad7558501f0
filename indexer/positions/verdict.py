"""What an audit of one reading has come to. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from indexer.positions.differences import Differences
from indexer.rpc import Level


class Finding(Enum):
    """`good`: nothing is left to worry about."""

    AGREES = "agrees"
    REPAIRED = "repaired"
    WRONG_ANSWER = "an endpoint's answer was wrong, the rows are right"
    DIFFERS = "differs, left as it is"
    UNDECIDED = "undecided"
    INCOMPARABLE = "nothing to compare with"
    CHANGED = "changed while it was read"

    @property
    def good(self) -> bool:
        return self in (Finding.AGREES, Finding.REPAIRED, Finding.WRONG_ANSWER)


@dataclass
class Verdict:
    """`added` and `removed` count rows of addresses by job, `rescanned` are jobs whose blocks behind the reading are
    read again, `blamed` the endpoints that were wrong; `words` say what nobody could decide."""

    first: int
    last: int
    finding: Finding = Finding.AGREES
    level: Level = Level.CLAIMED
    words: str = ""
    added: Counter[int] = field(default_factory=Counter)
    removed: Counter[int] = field(default_factory=Counter)
    rescanned: set[int] = field(default_factory=set)
    blamed: set[str] = field(default_factory=set)

    @property
    def blocks(self) -> str:
        return f"blocks {self.first:,}-{self.last:,}"

    @property
    def jobs(self) -> list[int]:
        return sorted(self.added.keys() | self.removed.keys())

    def sentence(self, chain: str) -> str:
        """All of it, for a log or a terminal."""
        said = f"{chain} {self.blocks}: {self.finding.value}"
        if self.words:
            said += f": {self.words}"
        if self.finding.good:
            said += f" ({self.level.word})"
        for job in self.jobs:
            said += f"; job {job}: {self.added[job]:,} addresses added, {self.removed[job]:,} removed"
        if self.rescanned:
            jobs = ", ".join(map(str, sorted(self.rescanned)))
            said += f"; read again from block {self.last + 1:,}: job {jobs}"
        if self.blamed:
            said += f"; wrong: {', '.join(sorted(self.blamed))}"
        return said

    def note(self, differences: Differences) -> None:
        """Some rows were, or would be, put right."""
        self.added.update(job for _, job in {(touch.address, touch.job) for touch in differences.missing})
        self.removed.update(job for _, job in differences.wrong)
        # Jobs of which only metadata or unreadable logs were wrong are named, too.
        self.added.update(dict.fromkeys(differences.jobs, 0))
