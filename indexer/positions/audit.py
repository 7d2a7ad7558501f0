"""Audit one reading: read its blocks again, compare digest and rows, find out what is true, and put it right."""

import logging
from collections.abc import Mapping
from enum import Enum

from indexer.chains.connections import Connection
from indexer.positions.definition import Definition
from indexer.positions.differences import Claimed, Differences, compare, expect
from indexer.positions.digest import MODULUS, log_digest
from indexer.positions.protocol.audits import Subject, load_subject, note_audit
from indexer.positions.protocol.claims import read_claims
from indexer.positions.protocol.head import hash_at
from indexer.positions.protocol.ledger import Run
from indexer.positions.protocol.repair import read_rows, repair_rows
from indexer.positions.protocol.state import read_state
from indexer.positions.reader import RangeReader
from indexer.positions.rereading import Reread, Rereader
from indexer.positions.tally import Tally
from indexer.positions.verdict import Finding, Verdict
from indexer.positions.watch import WatchIndex
from indexer.rpc import BlockUnknown, EndpointPool, Inconsistent, Level

log = logging.getLogger(__name__)

FIRST_PIECE = 1_000
MOST_LOGS = 20_000
"""Blocks of the first piece that is read at once, and about how many logs a piece may have."""
ATTEMPTS = 3
"""Times that a reading is begun anew because it has changed meanwhile."""


class Way(Enum):
    """Another endpoint's digest is compared with the one that is kept; two endpoints are compared with each other;
    every block is read by itself, at the strongest level there is."""

    OTHER = "other"
    TWO = "two"
    PROVED = "proved"


class Auditor:
    """What audits of one chain share. `level`: agreed, or proved, which takes requests for every block."""

    def __init__(
        self,
        chain: str,
        connection: Connection,
        pool: EndpointPool,
        *,
        level: Level = Level.AGREED,
        repair: bool = True,
        tally: Tally | None = None,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.pool = pool
        self.level = level
        self.repair = repair
        self.tally = tally or Tally()
        self.rereader = Rereader(pool, self.tally)
        self._readers: dict[tuple[int, ...], RangeReader] = {}

    def begin(self, reading: int) -> "ReadingAudit | None":
        """None when there is no such reading any more."""
        subject = load_subject(self.connection, reading)
        return None if subject is None else ReadingAudit(self, subject)

    def reader_of(self, jobs: Mapping[int, Definition]) -> RangeReader:
        """One reader for the same jobs, so that what it learns of ranges is not learned again."""
        key = tuple(sorted(jobs))
        if key not in self._readers:
            self._readers = {key: RangeReader([(job, jobs[job]) for job in key], Level.PROVED)}
        return self._readers[key]

    def blame(self, endpoint: str) -> None:
        """Its answer of then is known to be wrong; it may not be configured any more."""
        if endpoint in self.rereader.labels:
            self.pool.blame(endpoint, "logs")


class ReadingAudit:
    """One reading under audit; `step` reads a piece of its blocks and does with it what is to be done.

    Nothing is said of the reading before its last piece, so it may be left at any time and begun again; rows that were
    put right stay so.
    """

    def __init__(self, auditor: Auditor, subject: Subject) -> None:
        self.auditor = auditor
        self.subject = subject
        self.attempts = 0
        self.verdict = Verdict(subject.kept.first, subject.kept.last)
        self.watched_then = WatchIndex(subject.jobs)
        self.begin(self.first_way())

    def first_way(self) -> Way:
        kept = self.subject.kept
        if self.auditor.level > Level.AGREED:
            return Way.PROVED
        others = self.auditor.rereader.labels - set(kept.endpoints)
        return Way.OTHER if self.subject.comparable and (others or kept.level > Level.CLAIMED) else self.deciding_way()

    def begin(self, way: Way) -> None:
        """From the first block on, this way."""
        self.way = way
        self.at = self.subject.kept.first
        self.size = FIRST_PIECE
        self.level: Level | None = None
        self.endpoints: set[str] = set()
        self.logs = self.digest = 0
        self.wrong_blocks: set[int] = set()
        self.answer_was_wrong = False

    def step(self) -> Verdict | None:
        """Read the next piece; the verdict when that was the last one. Raises RpcError."""
        last = min(self.subject.kept.last, self.at + self.size - 1)
        with self.auditor.connection.cursor() as cur:
            claims = read_claims(cur, self.at, last)
        jobs = {job: claimed.definition for job, claimed in claims.items()} | dict(self.subject.jobs)
        if jobs:
            reader = self.auditor.reader_of(jobs)
            try:
                piece = self.read(reader, last)
            except Inconsistent as error:
                return self.undecided(error)
            if piece.level is Level.CLAIMED and self.way is not Way.OTHER:
                return self.end(Finding.INCOMPARABLE, "no second endpoint answers, and nothing proves what one says")
            last = piece.last
            differences = self.check_rows(reader, piece, {job: of.within(self.at, last) for job, of in claims.items()})
            if differences is None:
                return self.restart()
            if differences and self.way is Way.OTHER:
                self.begin(self.deciding_way())
                return None
            self.note(piece, differences)
        self.at = last + 1
        return self.finish() if self.at > self.subject.kept.last else None

    def read(self, reader: RangeReader, last: int) -> Reread:
        """The blocks from `at` to `last`, or the first of them."""
        rereader, endpoints = self.auditor.rereader, self.subject.kept.endpoints
        if self.way is Way.OTHER:
            return rereader.read_other(reader, self.at, last, endpoints)
        if self.way is Way.PROVED:
            return rereader.read_proved(reader, self.at, last)
        two = rereader.read_two(reader, self.at, last, endpoints) if rereader.has_two(self.at, last) else None
        if two is not None:
            return two
        # Who was blamed rests for a while: what proves itself need not wait for that.
        alone = rereader.read_proved(reader, self.at, last)
        if alone.level > Level.CLAIMED:
            return alone
        return rereader.read_two(reader, self.at, alone.last, endpoints) or alone

    def deciding_way(self) -> Way:
        return Way.TWO if len(self.auditor.pool.members) > 1 else Way.PROVED

    def check_rows(self, reader: RangeReader, piece: Reread, claims: Mapping[int, Claimed]) -> Differences | None:
        """Where the rows differ from what was read, put right where that is known to be true; None where they could not
        be, since something has changed meanwhile."""
        expected = expect(reader.index.match(piece.logs), claims, piece.first, piece.last)
        differences = compare(expected, read_rows(self.auditor.connection, expected, sorted(claims)), claims)
        if not differences or self.way is Way.OTHER:
            return differences
        self.check_branch()
        if self.auditor.repair and not repair_rows(
            self.auditor.connection, self.subject, claims, differences, expected
        ):
            return None
        self.verdict.note(differences)
        self.verdict.rescanned |= differences.lost
        return differences

    def check_branch(self) -> None:
        """Raises BlockUnknown where the endpoints show another branch than the one whose rows are stored."""
        with self.auditor.connection.cursor() as cur:
            final = read_state(cur).started.final
            known = hash_at(cur, final)
        header = self.auditor.pool.canonical(final)
        if header is None or header.hash != known:
            raise BlockUnknown(f"the endpoints have another block {final:,} now: a deep reorg is to be undone first")

    def note(self, piece: Reread, differences: Differences) -> None:
        matches = self.watched_then.match(piece.logs, log_digest)
        self.logs += matches.pairs
        self.digest = (self.digest + matches.digest) % MODULUS
        self.level = piece.level if self.level is None else min(self.level, piece.level)
        self.endpoints.update(piece.endpoints)
        self.verdict.blamed.update(piece.blamed)
        self.wrong_blocks |= differences.blocks
        # Who read for a job and left something out was wrong; something more may be from another reading.
        ours = {job for job, _ in self.subject.jobs}
        self.answer_was_wrong |= bool(differences.short_of & ours) or (
            bool(differences.jobs & ours) and self.subject.alone
        )
        if len(piece.logs) * 2 < MOST_LOGS:
            self.size *= 2
        elif len(piece.logs) > MOST_LOGS:
            self.size = max(1, self.size // 2)

    def finish(self) -> Verdict | None:
        """All blocks are read: say it of the reading; None where it must be read once more to be decided."""
        kept = self.subject.kept
        differs = self.subject.comparable and self.digest != kept.digest
        if self.way is Way.OTHER:
            if differs:
                self.begin(self.deciding_way())
                return None
            self.auditor.tally.note({*kept.endpoints, *self.endpoints}, kept.last + 1 - kept.first)
            self.level = Level.AGREED if self.endpoints - set(kept.endpoints) else None
        elif differs or (self.answer_was_wrong and not self.subject.comparable):
            self.check_branch()
            self.blame_then()
        elif self.subject.comparable:
            self.auditor.tally.note(kept.endpoints, kept.last + 1 - kept.first)
        # Rows may have been lost here of an answer that was right.
        return self.say(trusted=not differs if self.subject.comparable else not self.wrong_blocks)

    def say(self, *, trusted: bool) -> Verdict | None:
        """`trusted`: what was said of the reading before holds as well."""
        kept = self.subject.kept
        level = kept.level if self.level is None else self.level
        if trusted:
            level, endpoints = max(level, kept.level), self.endpoints | set(kept.endpoints)
        else:
            endpoints = self.endpoints
        finding = Finding.REPAIRED if self.verdict.jobs else Finding.AGREES if trusted else Finding.WRONG_ANSWER
        if not self.auditor.repair and finding is not Finding.AGREES:
            return self.end(Finding.DIFFERS, level=kept.level)
        run = Run(kept.first, kept.last, level, tuple(endpoints), self.logs, self.digest)
        if not note_audit(self.auditor.connection, self.subject, run):
            return self.restart()
        return self.end(finding, level=level)

    def blame_then(self) -> None:
        """The answer that the reading rests on was wrong; of several endpoints' it is not known whose."""
        kept = self.subject.kept
        if len(kept.endpoints) == 1:
            [endpoint] = kept.endpoints
            self.auditor.tally.note([endpoint], kept.last + 1 - kept.first, max(1, len(self.wrong_blocks)))
            if endpoint not in self.verdict.blamed:
                self.auditor.blame(endpoint)
                self.verdict.blamed.add(endpoint)

    def undecided(self, error: Inconsistent) -> Verdict | None:
        """Nobody can say what is true: no more is said of the reading than that somebody claims it."""
        kept = self.subject.kept
        self.check_branch()
        log.error("%s %s: undecided: %s", self.auditor.chain, self.verdict.blocks, error)
        if self.auditor.repair:
            known = (kept.logs, kept.digest) if self.subject.comparable else (None, None)
            run = Run(kept.first, kept.last, Level.CLAIMED, kept.endpoints, *known)
            if not note_audit(self.auditor.connection, self.subject, run):
                return self.restart()
        return self.end(Finding.UNDECIDED, str(error))

    def restart(self) -> Verdict | None:
        """Begin anew with the reading as it is now."""
        self.attempts += 1
        subject = load_subject(self.auditor.connection, self.subject.kept.id)
        if subject is None or self.attempts == ATTEMPTS:
            return self.end(Finding.CHANGED)
        self.subject = subject
        self.watched_then = WatchIndex(subject.jobs)
        self.verdict.first, self.verdict.last = subject.kept.first, subject.kept.last
        self.begin(self.first_way())
        return None

    def end(self, finding: Finding, words: str = "", level: Level = Level.CLAIMED) -> Verdict:
        self.verdict.finding, self.verdict.words, self.verdict.level = finding, words, level
        return self.verdict
